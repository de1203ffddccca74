// SPDX-License-Identifier: Apache-2.0
// A container's log file, in the format of the Kubernetes CRI: one record per line:
//   2026-01-02T03:04:05.678901234Z stdout F the line
// P instead of F: the line continues in the next record of the same stream. Rotated by size: FILE, FILE.1, FILE.2, ...
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::shim {

struct LogLimits {
  std::int64_t max_bytes = 10 << 20;  // of one file; then the next record goes into a new file
  int files = 5;                      // number of files with the current one; at least 1
};

// Turns the data of one read from a stream into records. A line longer than kLongestLine is split. Pure.
class RecordFormatter {
 public:
  static constexpr std::size_t kLongestLine = 16 << 10;
  explicit RecordFormatter(std::string_view stream) : stream_(stream) {}
  // Appends complete lines to `out` and keeps the rest for the next call.
  void add(std::string_view data, std::string_view timestamp, std::string& out);
  // The end of the stream: appends the kept rest as a last line.
  void finish(std::string_view timestamp, std::string& out);

 private:
  void record(char tag, std::string_view line, std::string_view timestamp, std::string& out);
  std::string stream_;
  std::string pending_;
};

// RFC 3339 with nanoseconds, in UTC: 30 characters.
[[nodiscard]] std::array<char, 31> format_time(std::chrono::nanoseconds since_epoch);

class LogWriter {
 public:
  // Error: the log cannot be opened; the caller then does not start the container.
  [[nodiscard]] static Result<LogWriter> open(std::string path, LogLimits limits);

  // Writes whole records and rotates before a record that does not fit. A full disk loses records and never blocks the
  // container; a record with the number of lost bytes is written when there is space again.
  void write(std::string_view records);

 private:
  LogWriter(std::string path, LogLimits limits) : path_(std::move(path)), limits_(limits) {}
  Status open_file();
  void write_piece(std::string_view records);
  void rotate();

  std::string path_;
  LogLimits limits_;
  UniqueFd file_;
  std::int64_t size_ = 0;
  std::uint64_t lost_bytes_ = 0;
};

}  // namespace mete::runtime::shim
