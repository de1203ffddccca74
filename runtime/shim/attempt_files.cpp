// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/attempt_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "runtime/file.h"

namespace mete::runtime::shim {
namespace {

// One "key value" per line; newlines in a value are escaped.
void put(std::string& text, std::string_view key, std::string_view value) {
  text += key;
  text += ' ';
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else {
      text += c;
    }
  }
  text += '\n';
}

std::string unescape(std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      text += value[i];
    } else {
      text += value[++i] == 'n' ? '\n' : value[i];
    }
  }
  return text;
}

template <class Each>
Status for_each_line(std::string_view text, std::string_view shown, Each each) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return fail(std::string(shown) + ": found a truncated last line");
    const std::string_view line = text.substr(0, end);
    const auto space = line.find(' ');
    if (space == std::string_view::npos)
      return fail(std::string(shown) + ": found \"" + std::string(line) + "\", expected a key and a value");
    METE_CHECK(each(line.substr(0, space), line.substr(space + 1)));
    text.remove_prefix(end + 1);
  }
  return {};
}

template <class Number>
Status get(std::string_view value, Number& number) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc() && end == value.data() + value.size()) return {};
  return fail("found \"" + std::string(value) + "\", expected a number");
}

Status get(std::string_view value, TimePoint& at) {
  std::int64_t nanoseconds = 0;
  METE_CHECK(get(value, nanoseconds));
  at = TimePoint(std::chrono::nanoseconds(nanoseconds));
  return {};
}

std::string since_epoch(TimePoint at) {
  return std::to_string(at.time_since_epoch().count());
}

template <class Parse>
auto read_optional(const std::string& path, Parse parse)
    -> Result<std::optional<typename decltype(parse({}))::value_type>> {
  const auto text = read_file(AT_FDCWD, path);
  if (!text) {
    if (text.error().code == ENOENT) return {std::nullopt};
    return tl::unexpected(text.error());
  }
  auto value = parse(*text);
  if (!value) return fail_in(path, value.error());
  return {std::move(*value)};
}

}  // namespace

std::string to_text(const Started& started) {
  std::string text;
  put(text, "pid", std::to_string(started.id.pid));
  put(text, "start_time", std::to_string(started.id.start_time));
  put(text, "at", since_epoch(started.at));
  for (const auto& warning : started.warnings) put(text, "warning", warning);
  return text;
}

std::string to_text(const ExitStatus& status) {
  std::string text;
  put(text, "code", std::to_string(status.code));
  put(text, "signal", std::to_string(status.signal));
  if (!status.start_error.empty()) put(text, "start_error", status.start_error);
  put(text, "at", since_epoch(status.at));
  return text;
}

Result<Started> parse_started(std::string_view text) {
  Started started;
  METE_CHECK(for_each_line(text, "started", [&](std::string_view key, std::string_view value) -> Status {
    if (key == "pid") return get(value, started.id.pid);
    if (key == "start_time") return get(value, started.id.start_time);
    if (key == "at") return get(value, started.at);
    if (key == "warning") started.warnings.push_back(unescape(value));
    return {};
  }));
  if (started.id.pid <= 0) return fail("started: found no pid");
  return started;
}

Result<ExitStatus> parse_exit_status(std::string_view text) {
  ExitStatus status;
  bool complete = false;  // "at" is written last
  METE_CHECK(for_each_line(text, "exit", [&](std::string_view key, std::string_view value) -> Status {
    if (key == "code") return get(value, status.code);
    if (key == "signal") return get(value, status.signal);
    if (key == "start_error") status.start_error = unescape(value);
    if (key != "at") return {};
    complete = true;
    return get(value, status.at);
  }));
  if (!complete) return fail("exit: found no time, expected a whole record");
  return status;
}

Result<std::optional<Started>> AttemptFiles::started() const {
  return read_optional(directory_ + "/started", parse_started);
}
Result<std::optional<ExitStatus>> AttemptFiles::exit() const {
  auto status = read_optional(directory_ + "/exit", parse_exit_status);
  if (!status || *status) return status;
  const auto text = read_file(AT_FDCWD, lock());
  if (!text) return {std::nullopt};
  const auto line = text->find('\n');
  if (line == std::string::npos || line + 1 == text->size()) return {std::nullopt};
  // A cut record was being written when the machine stopped, so there is no exit status.
  auto kept = parse_exit_status(std::string_view(*text).substr(line + 1));
  if (!kept) return {std::nullopt};
  return {std::move(*kept)};
}

Status AttemptFiles::write(const Started& started) const {
  // The process does not survive a reboot, so this file need not either.
  return replace_file(directory_ + "/started", to_text(started), 0600, Durability::volatile_);
}
Status AttemptFiles::write(const ExitStatus& status) const {
  return replace_file(directory_ + "/exit", to_text(status));
}

Status AttemptFiles::write_in_place(const ExitStatus& status, int lock_fd) const {
  constexpr std::size_t kBlock = 1024;  // smallest block of a file system
  ExitStatus cut = status;
  cut.start_error.resize(std::min(cut.start_error.size(), kBlock / 2));
  char block[kBlock];
  const ssize_t signed_length = ::pread(lock_fd, block, sizeof block, 0);
  if (signed_length < 0) return fail_errno("read " + lock());
  const auto line = std::string_view(block, static_cast<std::size_t>(signed_length)).find('\n');
  if (line == std::string_view::npos) return fail(lock() + ": found no shim identity in its first line");
  const std::string text = to_text(cut);
  const auto at = static_cast<off_t>(line + 1);
  const ssize_t put = ::pwrite(lock_fd, text.data(), text.size(), at);
  if (put == static_cast<ssize_t>(text.size()) && ::fdatasync(lock_fd) == 0) return {};
  const int error = put < 0 ? errno : ENOSPC;
  (void)!::ftruncate(lock_fd, at);
  return fail_errno("write " + lock(), error);
}

Status sign_lock(int lock_fd) {
  METE_TRY(const process::ProcessId self, process::identify(::getpid()));
  const std::string text = std::to_string(self.pid) + " " + std::to_string(self.start_time) + "\n";
  if (::pwrite(lock_fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return fail_errno("write the lock");
  return {};
}

std::optional<process::ProcessId> parse_lock(std::string_view text) {
  process::ProcessId id;
  const char* const begin = text.begin();
  const char* const end = text.end();
  const auto pid = std::from_chars(begin, end, id.pid);
  if (pid.ec != std::errc() || pid.ptr == end || *pid.ptr != ' ') return std::nullopt;
  const auto start = std::from_chars(pid.ptr + 1, end, id.start_time);
  if (start.ec != std::errc() || start.ptr == end || *start.ptr != '\n') return std::nullopt;
  return id;
}

Result<UniqueFd> AttemptFiles::try_lock() const {
  METE_TRY(UniqueFd fd, open_at(AT_FDCWD, lock(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return UniqueFd();
  return fail_errno("lock " + lock());
}

ExitStatus exit_status_of(int wait_status) {
  ExitStatus status;
  constexpr int kSignalBase = 128;
  if (WIFSIGNALED(wait_status)) {
    status.signal = WTERMSIG(wait_status);
    status.code = kSignalBase + status.signal;
  } else {
    status.code = WEXITSTATUS(wait_status);
  }
  return status;
}

}  // namespace mete::runtime::shim
