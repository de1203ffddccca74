// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/http_answer.h"

#include <algorithm>
#include <charconv>

namespace mete::agent {
namespace {

// The line before `at`, without its line end, which may lack the carriage return.
std::string_view line_of(std::string_view text, std::size_t at) {
  text = text.substr(0, at);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

HttpAnswerReader::State HttpAnswerReader::broken(std::string why) {
  why_ = std::move(why);
  return State::kBroken;
}

HttpAnswerReader::State HttpAnswerReader::feed(std::string_view bytes) {
  if (in_body_ && !chunked_) return take_body(bytes);
  head_ += bytes;
  if (in_body_) return take_chunks();
  return read_head();
}

HttpAnswerReader::State HttpAnswerReader::end() {
  if (!in_body_)
    return broken(head_.empty() ? "the connection ended without an answer" : "the answer ends in its head");
  if (chunked_ || length_) return broken("the answer ends before its body does");
  return State::kDone;
}

HttpAnswerReader::State HttpAnswerReader::read_head() {
  constexpr std::size_t kMostShown = 64;
  std::size_t from = 0;
  for (std::size_t end = head_.find('\n'); end != std::string::npos; end = head_.find('\n', from)) {
    const std::string_view line = line_of(std::string_view(head_).substr(from), end - from);
    from = end + 1;
    if (status_ == 0) {
      if (!read_status_line(line))
        return broken("malformed HTTP response \"" + std::string(line.substr(0, kMostShown)) + "\"");
    } else if (!line.empty()) {
      read_header(line);
    } else if (status_ < 200) {  // an interim answer; the final one follows
      status_ = 0;
      location_.clear();
    } else {
      in_body_ = true;
      std::string rest = head_.substr(from);
      head_.clear();
      if (status_ == 204 || status_ == 304) return State::kDone;
      if (chunked_) {
        head_ = std::move(rest);
        return take_chunks();
      }
      return take_body(rest);
    }
  }
  head_.erase(0, from);
  // What does not begin as an answer does need not be waited for until it ends a line.
  constexpr std::string_view kBegin = "HTTP/";
  const bool unlike = status_ == 0 && head_.compare(0, std::min(head_.size(), kBegin.size()), kBegin, 0,
                                                    std::min(head_.size(), kBegin.size())) != 0;
  if (unlike) return broken("malformed HTTP response \"" + head_.substr(0, kMostShown) + "\"");
  if (head_.size() > kMostHead) return broken("the answer's head is longer than 64 KiB");
  return State::kMore;
}

bool HttpAnswerReader::read_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.")) return false;
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view rest = line.substr(blank + 1);
  const auto code = number<int>(rest.substr(0, rest.find(' ')));
  if (!code || *code < 100 || *code > 999) return false;
  status_ = *code;
  return true;
}

void HttpAnswerReader::read_header(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same_letters(name, "location")) location_ = value;
  if (same_letters(name, "content-length")) length_ = number<std::uint64_t>(value);
  if (same_letters(name, "transfer-encoding") && value.size() >= 7)
    chunked_ = same_letters(value.substr(value.size() - 7), "chunked");
}

HttpAnswerReader::State HttpAnswerReader::take_body(std::string_view bytes) {
  if (length_) {
    bytes = bytes.substr(0, *length_);
    *length_ -= bytes.size();
  }
  body_ += bytes.substr(0, kMostBody - body_.size());
  return (length_ && *length_ == 0) || body_.size() >= kMostBody ? State::kDone : State::kMore;
}

// chunk = size [extension] line-end, bytes, line-end; a chunk of size 0 ends the body (RFC 9112, 7.1).
HttpAnswerReader::State HttpAnswerReader::take_chunks() {
  std::size_t from = 0;
  const auto keep = [&](State state) {
    head_.erase(0, from);
    return state;
  };
  while (true) {
    if (in_chunk_) {
      const std::size_t here = std::min<std::uint64_t>(chunk_left_, head_.size() - from);
      body_ += std::string_view(head_).substr(from, std::min(here, kMostBody - body_.size()));
      from += here;
      chunk_left_ -= here;
      if (body_.size() >= kMostBody) return keep(State::kDone);
      if (chunk_left_ > 0) return keep(State::kMore);
      in_chunk_ = false;
      after_chunk_ = true;
    }
    const auto end = head_.find('\n', from);
    constexpr std::size_t kMostLine = 1024;
    if (end == std::string::npos)
      return head_.size() - from > kMostLine ? broken("the answer's body is malformed") : keep(State::kMore);
    std::string_view line = line_of(std::string_view(head_).substr(from), end - from);
    from = end + 1;
    if (after_chunk_) {
      if (!line.empty()) return broken("the answer's body is malformed");
      after_chunk_ = false;
      continue;
    }
    const auto size = number<std::uint64_t>(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size) return broken("the answer's body is malformed");
    if (*size == 0) return keep(State::kDone);
    chunk_left_ = *size;
    in_chunk_ = true;
  }
}

std::string to_string(const HttpTarget& target) {
  const bool is_v6 = target.host.find(':') != std::string::npos;
  return (target.https ? "https://" : "http://") + (is_v6 ? "[" + target.host + "]" : target.host) + ":" +
         std::to_string(target.port) + target.path;
}

std::optional<HttpTarget> redirected(const HttpTarget& from, std::string_view location) {
  location = location.substr(0, location.find('#'));
  const bool odd =
      std::any_of(location.begin(), location.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
  if (odd) return std::nullopt;
  HttpTarget to = from;
  if (const auto colon = location.find("://");
      colon != std::string_view::npos && colon < location.find_first_of("/?")) {
    const std::string_view scheme = location.substr(0, colon);
    if (!same_letters(scheme, "http") && !same_letters(scheme, "https")) return std::nullopt;
    to.https = same_letters(scheme, "https");
    location.remove_prefix(colon + 1);
  }
  if (location.starts_with("//")) {
    location.remove_prefix(2);
    std::string_view authority = location.substr(0, location.find_first_of("/?"));
    location.remove_prefix(authority.size());
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
    const auto bracket = authority.rfind(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    to.port = to.https ? 443 : 80;
    if (colon != std::string_view::npos && colon + 1 < authority.size()) {
      const auto port = number<std::uint16_t>(authority.substr(colon + 1));
      if (!port || *port == 0) return std::nullopt;
      to.port = *port;
    }
    std::string_view host = authority.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) return std::nullopt;
    to.host = host;
    to.path = "/";
  }
  if (location.empty()) return to;
  if (location.front() == '/') {
    to.path = location;
  } else if (location.front() == '?') {
    to.path = to.path.substr(0, to.path.find('?')) + std::string(location);
  } else {
    const std::string base = to.path.substr(0, to.path.find('?'));
    to.path = base.substr(0, base.rfind('/') + 1) + std::string(location);
  }
  return to;
}

}  // namespace mete::agent
