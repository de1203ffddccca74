// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/pods/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "agent/cli/output/output.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

struct Record {
  std::string_view time;
  bool to_stderr = false;
  bool whole = true;  // F: a newline follows
  std::string_view text;
};

// "TIME STREAM TAG TEXT"
std::optional<Record> parse_record(std::string_view line) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos || second + 2 >= line.size() + 1) return std::nullopt;
  const auto third = line.find(' ', second + 1);
  if (third == std::string_view::npos) return std::nullopt;
  return Record{line.substr(0, first), line.substr(first + 1, second - first - 1) == "stderr",
                line.substr(second + 1, third - second - 1) == "F", line.substr(third + 1)};
}

// Prints a container's bytes unchanged, to the stream that the container wrote to.
void print_record(std::string_view line, const LogStyle& style) {
  const auto record = parse_record(line);
  if (!record) return;
  std::string out = style.prefix;
  if (style.timestamps) out += std::string(record->time) + " ";
  out += record->text;
  if (record->whole) out += '\n';
  if (!record->to_stderr) return print(out);
  (void)runtime::write_all(STDERR_FILENO, out);
}

std::string last_lines(const std::string& text, std::uint64_t count) {
  if (count == 0) return {};
  std::size_t start = text.size();
  for (std::uint64_t left = count + 1; left > 0 && start > 0;) {
    --start;
    if (text[start] == '\n' && --left == 0) return text.substr(start + 1);
  }
  return text;
}

// The lines of that time. A last line without an end stays: it is being written.
std::string lines_of(const std::string& text, const LogSpan& span) {
  if (span.from.empty() && span.until.empty()) return text;
  std::string kept;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::string_view line = std::string_view(text).substr(start, end + 1 - start);
    if (span.has(line.substr(0, line.find(' ')))) kept += line;
  }
  return kept + text.substr(start);
}

// Prints the whole lines of `pending` and leaves the rest in it.
void print_lines(std::string& pending, const LogStyle& style) {
  std::size_t start = 0;
  for (std::size_t end = 0; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
    print_record(std::string_view(pending).substr(start, end - start), style);
  }
  pending.erase(0, start);
}

bool same_file(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named_file {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino;
}

// The rotated files as one text, the oldest first, without the file open as `current`, which may just have been
// rotated.
std::string rotated_text(const std::string& path, int current) {
  std::string text;
  for (int number = 1;; ++number) {
    const std::string rotated = path + "." + std::to_string(number);
    if (::access(rotated.c_str(), F_OK) != 0) return text;
    if (same_file(current, rotated)) continue;
    if (const auto one = runtime::read_file(AT_FDCWD, rotated, std::size_t{1} << 30U)) text.insert(0, *one);
  }
}

// The name is missing for a moment during a rotation. A file that stays missing was deleted.
bool is_there(const std::string& path) {
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    if (::access(path.c_str(), F_OK) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace

Status LogReader::begin(const LogSpan& span, const std::optional<std::uint64_t>& tail) {
  (void)is_there(path_);
  METE_TRY(fd_, runtime::open_at(AT_FDCWD, path_, O_RDONLY));
  METE_TRY(const std::string rest, runtime::read_all(fd_.get(), path_, std::size_t{1} << 30U));
  pending_ = lines_of(rotated_text(path_, fd_.get()) + rest, span);
  if (tail) pending_ = last_lines(pending_, *tail);
  print_lines(pending_, style_);
  return {};
}

bool LogReader::follow() {
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got < 0) return false;
    if (got > 0) {
      pending_.append(buffer, static_cast<std::size_t>(got));
      print_lines(pending_, style_);
    } else if (!is_there(path_)) {
      return false;
    } else if (same_file(fd_.get(), path_)) {
      return true;
    } else if (auto next = runtime::open_at(AT_FDCWD, path_, O_RDONLY)) {
      fd_ = std::move(*next);
    }
  }
}

}  // namespace mete::agent::cli
