// SPDX-License-Identifier: Apache-2.0
// What a container writes: read from its streams, put into the log, shown to attachers.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/shim/attachments.h"
#include "runtime/shim/log_writer.h"

namespace mete::runtime::shim {

class Output {
 public:
  static constexpr std::size_t kStreams = 2;

  // `attachments` outlives it.
  explicit Output(Attachments& attachments) : attachments_(attachments) {}
  // An empty path: what is written is kept nowhere. The error: the log cannot be opened.
  [[nodiscard]] Status open(const std::string& log_path, const LogLimits& limits);

  // The reading end of a stream; the first one may be a terminal, which has both.
  void take(std::size_t stream, UniqueFd fd) { streams_[stream].fd = std::move(fd); }
  [[nodiscard]] int fd(std::size_t stream) const { return streams_[stream].fd.get(); }
  [[nodiscard]] bool is_open() const { return streams_[0].fd.valid() || streams_[1].fd.valid(); }

  // One read of a stream that has something.
  void copy(std::size_t stream);
  // Closes the streams, and puts what is not a whole line into the log.
  void finish();

 private:
  struct Stream {
    UniqueFd fd;
    RecordFormatter formatter;
    char letter;
  };
  void finish(Stream& stream);
  std::string_view timestamp();

  Attachments& attachments_;
  std::optional<LogWriter> log_;
  Stream streams_[kStreams] = {{UniqueFd(), RecordFormatter("stdout"), attach::kOutput},
                               {UniqueFd(), RecordFormatter("stderr"), attach::kErrors}};
  std::string records_;
  std::array<char, 31> timestamp_{};
  char buffer_[attach::kLargestMessage - 1];
};

}  // namespace mete::runtime::shim
