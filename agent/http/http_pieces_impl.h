// SPDX-License-Identifier: Apache-2.0
// The part of a session that sends an answer in pieces. Internal to http_session.cpp.
#pragma once

#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "agent/base/asio.h"
#include "agent/http/http_message.h"

namespace mete::agent {

// `Session` derives from PieceAnswer and provides shared_from_this(), shared_, stream_, lowest(), limits(), source_,
// frame_, piece_, chunked_, body_end_, closed_, end_answer() and cut().
template <class Session>
class PieceAnswer {
 protected:
  // Writes frame_ and piece_, then asks for the next one. The connection is cut when the peer does not accept a piece
  // in time, or takes too long for the whole body.
  void write_piece(bool last) {
    const auto slow = std::chrono::steady_clock::now() + own().limits().slow;
    own().lowest().expires_at(std::min(slow, own().body_end_));
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(own().frame_), asio::buffer(own().piece_)};
    asio::async_write(own().stream_, buffers, all_at_once,
                      [self = own().shared_from_this(), last](ErrorCode error, std::size_t) {
                        if (error) {
                          if (error == boost::beast::error::timeout) self->shared_->refused("slow");
                          self->cut();
                        } else if (last) {
                          self->end_answer();
                        } else {
                          self->next_piece();
                        }
                      });
  }

 private:
  Session& own() { return static_cast<Session&>(*this); }

  void next_piece() {
    own().lowest().expires_never();
    own().source_->next([self = own().shared_from_this()](Result<std::string> piece, bool last) {
      if (!piece || self->closed_) return self->cut();
      self->piece_ = std::move(*piece);
      if (self->chunked_) self->frame_piece(last);
      self->write_piece(last);
    });
  }

  // The head of a chunk stays apart from its text, which would have to move for it.
  void frame_piece(bool last) {
    own().frame_.clear();
    if (!own().piece_.empty()) {
      own().frame_ = chunk_head(own().piece_.size());
      own().piece_ += "\r\n";
    }
    if (last) own().piece_ += kLastChunk;
  }

  // Asio's own condition cuts what is sent into 64 KiB a call.
  static std::size_t all_at_once(ErrorCode error, std::size_t /*sent*/) {
    return error ? 0 : std::numeric_limits<std::size_t>::max();
  }
};

}  // namespace mete::agent
