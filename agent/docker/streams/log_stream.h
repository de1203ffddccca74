// SPDX-License-Identifier: Apache-2.0
// A container's log as docker's clients read it: from the files that the shim writes (runtime/shim/log_writer.h), also
// while they grow and are rotated. A slow client delays neither the container nor the agent: what it has not read stays
// in the files.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/asio.h"
#include "agent/http/http_types.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::docker {

struct LogWishes {
  bool output = true;
  bool errors = true;
  bool timestamps = false;
  bool framed = true;
  bool details = false;  // what --log-opt attaches to lines: nothing here, and a blank after it
  bool follow = false;
  std::string since;  // RFC 3339 with nanoseconds, which sorts as text; empty: no bound
  std::string until;
  std::optional<std::uint64_t> tail;  // lines; empty: all
};

// One record as it is sent; empty: it is not wanted. `continues`: it goes on with the line of the record before. Pure.
struct LogPiece {
  std::string bytes;
  bool ends_line = true;
};
[[nodiscard]] std::optional<LogPiece> log_piece(std::string_view record, const LogWishes& wishes, bool continues);

// "1795897279", "1795897800.000000000" -> RFC 3339. Empty: neither.
[[nodiscard]] std::optional<std::string> log_time(const std::string& seconds);

class LogStream : public std::enable_shared_from_this<LogStream> {
 public:
  // `running`: more may come. `finish` is called once.
  LogStream(asio::io_context& loop, std::string path, LogWishes wishes, std::function<bool()> running);
  // The error: the log cannot be read. A log that is not there is an empty one.
  [[nodiscard]] Status open();
  void begin(std::shared_ptr<HttpStream> client);

 private:
  [[nodiscard]] Status skip_to_tail();
  void next_file();
  void pump();
  void finish();
  bool send_records();  // false: the client is late, or gone

  std::string path_;
  LogWishes wishes_;
  std::function<bool()> running_;
  std::shared_ptr<HttpStream> client_;
  Timer timer_;
  std::deque<runtime::UniqueFd> files_;  // the oldest first; read at their own offsets
  std::string pending_;
  bool continues_[2] = {false, false};  // of each stream: its last record was no whole line
  bool last_look_ = false;              // nobody writes any more: what is there now is all
};

}  // namespace mete::agent::docker
