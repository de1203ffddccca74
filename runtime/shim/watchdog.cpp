// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/watchdog.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "runtime/cgroup/memory/oom.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::shim {
namespace {

using cgroup::next_line;
using cgroup::next_word;
using cgroup::parse_u64;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// The agent acts at the due time; the watchdog waits this much longer and acts only when the agent does not.
constexpr nanoseconds kPatience = std::chrono::seconds(1);

std::optional<Undo> read_undo(const std::string& path) {
  const auto text = read_file(AT_FDCWD, path, 64U << 10U);
  if (!text) return std::nullopt;
  auto undo = parse_undo(*text);
  if (!undo) return std::nullopt;
  return std::move(*undo);
}

void do_writes(const Undo& undo) {
  for (const auto& write : undo.writes) (void)write_control(AT_FDCWD, write.path, write.text);
}

bool under_oom(const Undo& undo) {
  return cgroup::under_oom_in(undo.memory_directory).value_or(false);
}

UniqueFd oom_eventfd(const std::string& directory) {
  auto event = cgroup::oom_eventfd_of(directory);
  return event ? std::move(*event) : UniqueFd();
}

}  // namespace

std::string freeze_watchdog(const std::string& attempt_directory) {
  return attempt_directory + "/watchdog.freeze";
}
std::string oom_watchdog(const std::string& attempt_directory) {
  return attempt_directory + "/watchdog.oom";
}

std::string to_text(const Undo& undo) {
  std::string text = undo.memory_directory.empty()
                         ? "at " + std::to_string(undo.at.count()) + "\n"
                         : "oom " + undo.memory_directory + " " + std::to_string(undo.wait.count()) + "\n";
  for (const auto& write : undo.writes)
    text.append("write ").append(write.path).append(" ").append(write.text).append("\n");
  return text;
}

Result<Undo> parse_undo(std::string_view text) {
  Undo undo;
  std::string_view first = next_line(text);
  const std::string_view kind = next_word(first);
  if (kind == "oom") undo.memory_directory = next_word(first);
  const auto number = parse_u64(next_word(first));
  if (!number || (kind != "at" && undo.memory_directory.empty()))
    return fail("watchdog: found no \"at TIME\" and no \"oom DIRECTORY TIME\" in its first line");
  if (kind == "at") undo.at = nanoseconds(static_cast<std::int64_t>(*number));
  if (kind == "oom") undo.wait = milliseconds(static_cast<std::int64_t>(*number));
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const bool known = next_word(line) == "write";
    const std::string_view path = next_word(line);
    if (!known || path.empty()) return fail("watchdog: found a line that is not \"write PATH TEXT\"");
    undo.writes.push_back({std::string(path), std::string(cgroup::trim(line))});
  }
  return undo;
}

nanoseconds boot_time() {
  struct timespec now {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

Watchdog::Watchdog(std::string attempt_directory) : directory_(std::move(attempt_directory)) {
  sigset_t changed;
  ::sigemptyset(&changed);
  ::sigaddset(&changed, kFilesChanged);
  ::sigprocmask(SIG_BLOCK, &changed, nullptr);
  signal_ = UniqueFd(::signalfd(-1, &changed, SFD_CLOEXEC | SFD_NONBLOCK));
  reload_files();
}

void Watchdog::reload_files() {
  struct signalfd_siginfo signal {};
  bool agent_acts = false;
  while (signal_.valid() && ::read(signal_.get(), &signal, sizeof signal) > 0) agent_acts = true;
  freeze_ = read_undo(freeze_watchdog(directory_));
  auto oom = read_undo(oom_watchdog(directory_));
  if (oom == oom_) {
    // The kernel notifies when an OOM begins and never when it ends. So the agent signals each new hold, from which the
    // wait is counted: the time of an earlier hold, which the agent has ended, must not be added.
    if (agent_acts) {
      oom_since_.reset();
      check_oom();
    }
    return;
  }
  oom_ = std::move(oom);
  oom_since_.reset();
  oom_event_ = oom_ ? oom_eventfd(oom_->memory_directory) : UniqueFd();
  if (oom_) check_oom();
}

void Watchdog::check_oom() {
  std::uint64_t times = 0;
  if (oom_event_.valid()) (void)!::read(oom_event_.get(), &times, sizeof times);
  if (!oom_ || !under_oom(*oom_)) {
    oom_since_.reset();
  } else if (!oom_since_) {
    oom_since_ = boot_time();
  }
}

int Watchdog::timeout() const {
  std::optional<nanoseconds> due;
  if (freeze_) due = freeze_->at + kPatience;
  if (oom_ && oom_since_) due = std::min(due.value_or(nanoseconds::max()), *oom_since_ + oom_->wait + kPatience);
  if (!due) return -1;
  constexpr std::int64_t kDay = 86'400'000;
  const auto left = std::chrono::duration_cast<milliseconds>(*due - boot_time()).count() + 1;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kDay));
}

void Watchdog::check() {
  const nanoseconds now = boot_time();
  if (freeze_ && now >= freeze_->at + kPatience) {
    // Read again: the agent may have acted just now.
    auto still = read_undo(freeze_watchdog(directory_));
    if (still == freeze_) {
      do_writes(*freeze_);
      (void)::unlink(freeze_watchdog(directory_).c_str());
      still.reset();
    }
    freeze_ = std::move(still);  // the agent has replaced it and has not signalled yet
  }
  if (!oom_ || !oom_since_) return;
  check_oom();
  if (!oom_since_ || now < *oom_since_ + oom_->wait + kPatience) return;
  do_writes(*oom_);
  oom_since_.reset();
}

int run_watchdog(const std::string& directory) {
  // A session of its own: a signal to the agent's session does not end the watchdog.
  (void)::setsid();
  Watchdog watchdog(directory);
  constexpr int kLook = 1000;  // an agent that was killed while it removed its files has sent no signal
  // Two idle passes: an agent with a new file may have found this process alive just when it had become idle.
  for (int idle = 0; idle < 2; idle = watchdog.is_idle() ? idle + 1 : 0) {
    pollfd waits[2] = {{watchdog.files_fd(), POLLIN, 0}, {watchdog.oom_fd(), POLLIN, 0}};
    const int due = watchdog.timeout();
    const int ready = ::poll(waits, 2, due < 0 ? kLook : std::min(due, kLook));
    if (ready < 0 && errno != EINTR) ::sleep(1);
    watchdog.check();
    if (waits[1].revents != 0) watchdog.check_oom();
    watchdog.reload_files();
  }
  return 0;
}

}  // namespace mete::runtime::shim
