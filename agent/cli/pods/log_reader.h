// SPDX-License-Identifier: Apache-2.0
// Prints a container's log file (runtime/shim/log_writer.h), also while it is being written and rotated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::cli {

// Times of records that are shown: RFC 3339 in UTC, which sorts as text. Empty: no bound.
struct LogSpan {
  std::string from;
  std::string until;
  [[nodiscard]] bool has(std::string_view time) const {
    return (from.empty() || time >= from) && (until.empty() || time < until);
  }
};

struct LogStyle {
  bool timestamps = false;
  std::string prefix;  // before each line
};

class LogReader {
 public:
  LogReader(std::string path, LogStyle style) : path_(std::move(path)), style_(std::move(style)) {}

  // Prints what there is of that time; of it, only the last `tail` lines. The error's code is ENOENT when there is no
  // log.
  [[nodiscard]] Status begin(const LogSpan& span, const std::optional<std::uint64_t>& tail);
  // Prints what is new. False: there will be no more, the pod was deleted.
  [[nodiscard]] bool follow();

 private:
  std::string path_;
  LogStyle style_;
  runtime::UniqueFd fd_;
  std::string pending_;
};

}  // namespace mete::agent::cli
