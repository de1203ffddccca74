// SPDX-License-Identifier: Apache-2.0
// The part of a session that takes the body of a request into a file. Internal to http_session.cpp.
#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/asio.h"
#include "agent/http/http_message.h"
#include "agent/http/http_url.h"

namespace mete::agent {

// `Session` derives from SpooledBody and provides shared_from_this(), shared_, stream_, lowest(), limits(), buffer_,
// parser_, piece_, keep_alive_, closed_, kLocal, send(), bad_request() and dispatch().
template <class Session>
class SpooledBody {
 protected:
  // False: the request has been answered. Nothing is begun where the body stays in memory.
  bool begin_file() {
    if (!Session::kLocal || !own().shared_->spool) return true;
    auto& parser = *own().parser_;
    if (!own().shared_->spool->takes(std::string(parser.get().method_string()),
                                     parse_target(parser.get().target()).path)) {
      parser.body_limit(own().limits().request_body);
      if (parser.content_length().value_or(0) <= own().limits().request_body) return true;
      own().bad_request(boost::beast::http::error::body_limit);
      return false;
    }
    auto made = own().shared_->spool->make();
    if (!made) {
      own().keep_alive_ = false;
      own().send(text_response(500, made.error().what + "\n"));
      return false;
    }
    file_ = std::make_shared<runtime::UniqueFd>(std::move(*made));
    file_parser_.emplace(std::move(parser));
    file_parser_->body_limit(boost::none);
    return true;
  }

  // The next piece is read when the last one is in the file.
  void read_into_file() {
    constexpr std::size_t kPiece = 256U << 10U;
    std::string& piece = own().piece_;
    piece.resize(kPiece);
    file_parser_->get().body() = {piece.data(), piece.size(), true};
    own().lowest().expires_after(own().limits().body);
    boost::beast::http::async_read(
        own().stream_, own().buffer_, *file_parser_, [self = own().shared_from_this()](ErrorCode error, std::size_t) {
          if (error && error != boost::beast::http::error::need_buffer) return self->bad_request(error);
          self->lowest().expires_never();
          self->piece_.resize(self->piece_.size() - self->file_parser_->get().body().size);
          self->shared_->spool->write(self->file_->get(), std::move(self->piece_),
                                      [self, file = self->file_](Status written) { self->written_to_file(written); });
        });
  }

  std::shared_ptr<runtime::UniqueFd> file_;  // of a body that goes into one, while it is read
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> file_parser_;

 private:
  Session& own() { return static_cast<Session&>(*this); }

  void written_to_file(const Status& written) {
    if (own().closed_) return;
    if (!written) {
      own().keep_alive_ = false;
      return own().send(text_response(500, "keep the request's body: " + written.error().what + "\n"));
    }
    if (!file_parser_->is_done()) return read_into_file();
    own().dispatch();
  }
};

}  // namespace mete::agent
