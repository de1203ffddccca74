// SPDX-License-Identifier: Apache-2.0
// A container's log file: one line a record, as the Kubernetes CRI has it:
//   2026-01-02T03:04:05.678901234Z stdout F the line
// P instead of F: the line goes on in the next record of the same stream. Rotated by size: FILE, FILE.1, FILE.2, ...
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::shim {

struct LogLimits {
  std::int64_t max_bytes = 10 << 20;  // of one file, before the next record goes into a new one
  int files = 5;                      // in all, the current one included; at least 1
};

// Appends what one read of a stream gave as records. A line longer than kLongestLine is written in parts.
// Pure: for the shim and for tests.
class RecordFormatter {
 public:
  static constexpr std::size_t kLongestLine = 16 << 10;
  explicit RecordFormatter(std::string_view stream) : stream_(stream) {}
  // Complete lines go to `out`; the rest is kept for the next call.
  void add(std::string_view data, std::string_view timestamp, std::string& out);
  // The end of the stream: what was kept is a last line without its newline.
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
  // The error of a log that cannot be opened; the container is not started without one.
  [[nodiscard]] static Result<LogWriter> open(std::string path, LogLimits limits);

  // Writes whole records; rotates first when they would not fit. A full disk loses records, never blocks the container:
  // the number lost is written as a record of its own when there is room again.
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
