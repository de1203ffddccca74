// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "runtime/file.h"

namespace mete::runtime::shim {

void RecordFormatter::record(char tag, std::string_view line, std::string_view timestamp, std::string& out) {
  out += timestamp;
  out += ' ';
  out += stream_;
  out += ' ';
  out += tag;
  out += ' ';
  out += line;
  out += '\n';
}

void RecordFormatter::add(std::string_view data, std::string_view timestamp, std::string& out) {
  while (!data.empty()) {
    const auto newline = data.find('\n');
    const std::string_view piece = data.substr(0, newline);
    if (newline != std::string_view::npos && pending_.empty() && piece.size() <= kLongestLine) {
      record('F', piece, timestamp, out);  // the common case: a whole line, not copied
    } else {
      const std::size_t room = kLongestLine - pending_.size();
      pending_ += piece.substr(0, room);
      if (piece.size() > room) {
        record('P', pending_, timestamp, out);
        pending_.clear();
        data.remove_prefix(room);
        continue;
      }
      if (newline == std::string_view::npos) return;
      record('F', pending_, timestamp, out);
      pending_.clear();
    }
    data.remove_prefix(newline + 1);
  }
}

void RecordFormatter::finish(std::string_view timestamp, std::string& out) {
  if (pending_.empty()) return;
  record('F', pending_, timestamp, out);
  pending_.clear();
}

std::array<char, 31> format_time(std::chrono::nanoseconds since_epoch) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t time = seconds.count();
  struct tm parts {};
  ::gmtime_r(&time, &parts);
  // Wide enough for any int; the compiler cannot know that a year has four digits.
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<long>((since_epoch - seconds).count()));
  std::array<char, 31> result{};
  for (std::size_t i = 0; i + 1 < result.size() && text[i] != '\0'; ++i) result[i] = text[i];
  return result;
}

Result<LogWriter> LogWriter::open(std::string path, LogLimits limits) {
  LogWriter writer(std::move(path), limits);
  METE_CHECK(writer.open_file());
  return writer;
}

Status LogWriter::open_file() {
  METE_TRY(file_, open_at(AT_FDCWD, path_, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640));
  struct stat info {};
  if (::fstat(file_.get(), &info) != 0) return fail_errno("stat " + path_);
  size_ = info.st_size;
  return {};
}

void LogWriter::rotate() {
  for (int number = limits_.files - 1; number >= 1; --number) {
    const std::string from = number == 1 ? path_ : path_ + "." + std::to_string(number - 1);
    (void)!::rename(from.c_str(), (path_ + "." + std::to_string(number)).c_str());
  }
  if (limits_.files <= 1) (void)!::unlink(path_.c_str());
  UniqueFd old = std::move(file_);
  // When no new file can be opened, writing continues in the old file, under its rotated name.
  if (!open_file()) file_ = std::move(old);
}

void LogWriter::write(std::string_view records) {
  while (!records.empty()) {
    // Writes as many whole records as fit, or one record that is larger than a file.
    const auto room = static_cast<std::size_t>(std::max<std::int64_t>(limits_.max_bytes - size_, 0));
    auto length = records.size();
    if (length > room) {
      const auto last = room == 0 ? std::string_view::npos : records.rfind('\n', room - 1);
      if (last != std::string_view::npos) {
        length = last + 1;
      } else if (size_ > 0) {
        rotate();
        if (size_ == 0) continue;
      } else {
        length = std::min(records.find('\n'), records.size() - 1) + 1;
      }
    }
    write_piece(records.substr(0, length));
    records.remove_prefix(length);
  }
}

void LogWriter::write_piece(std::string_view records) {
  if (lost_bytes_ > 0) {
    const auto now = format_time(std::chrono::system_clock::now().time_since_epoch());
    std::string note(now.data());
    note += " stderr F mete: " + std::to_string(lost_bytes_) +
            " bytes of log were lost because the log file could not be written\n";
    if (!write_all(file_.get(), note)) {
      lost_bytes_ += records.size();
      return;
    }
    size_ += static_cast<std::int64_t>(note.size());
    lost_bytes_ = 0;
  }
  if (write_all(file_.get(), records)) {
    size_ += static_cast<std::int64_t>(records.size());
    return;
  }
  lost_bytes_ += records.size();
  // Remove a partly written record: the next one must begin at the start of a line.
  if (::ftruncate(file_.get(), size_) != 0) size_ += static_cast<std::int64_t>(records.size());
}

}  // namespace mete::runtime::shim
