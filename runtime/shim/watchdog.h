// SPDX-License-Identifier: Apache-2.0
// A dead man's switch. In files of the attempt's directory the agent describes what the shim must undo when the agent
// dies, so that a container does not stay frozen, or blocked at its memory limit, because no agent is there.
//
//   watchdog.freeze   "at NANOSECONDS\n" of CLOCK_BOOTTIME, then lines "write PATH TEXT\n": the writes due at that time
//   watchdog.oom      "oom DIRECTORY MILLISECONDS\n", then the same lines. DIRECTORY is a v1 memory cgroup whose
//                     memory.oom_control disables the OOM killer; the writes are due when one of its processes has been
//                     blocked for that long
//
// A changed or removed file replaces the old one: the agent removes a file when it has undone the change itself. The
// agent's signal without a change restarts the wait of watchdog.oom: a new hold has begun.
#pragma once

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::shim {

struct Undo {
  std::chrono::nanoseconds at{};     // freeze: due time on CLOCK_BOOTTIME
  std::string memory_directory;      // OOM only
  std::chrono::milliseconds wait{};  // OOM only
  struct Write {
    std::string path, text;
    bool operator==(const Write&) const = default;
  };
  std::vector<Write> writes;
  bool operator==(const Undo&) const = default;
};

[[nodiscard]] std::string freeze_watchdog(const std::string& attempt_directory);
[[nodiscard]] std::string oom_watchdog(const std::string& attempt_directory);
[[nodiscard]] std::string to_text(const Undo& undo);
// Paths and texts contain no newline, and paths no space.
[[nodiscard]] Result<Undo> parse_undo(std::string_view text);
[[nodiscard]] std::chrono::nanoseconds boot_time();

// The agent sends this signal to a shim after it has changed the files. SIGURG is ignored by default, so an older shim
// is not harmed. Not inotify: a user has at most 128 instances.
inline constexpr int kFilesChanged = SIGURG;

// `mete-shim watchdog`: only the watchdog, for a cgroup without a shim. Returns the exit code when neither file exists
// any more.
[[nodiscard]] int run_watchdog(const std::string& directory);

// The shim's side. It never blocks: the caller polls the descriptors and calls back.
class Watchdog {
 public:
  // Blocks kFilesChanged. When the descriptors cannot be made there is no watchdog: then only the next agent undoes the
  // changes.
  explicit Watchdog(std::string attempt_directory);
  [[nodiscard]] int files_fd() const { return signal_.get(); }   // readable: call reload_files()
  [[nodiscard]] int oom_fd() const { return oom_event_.get(); }  // readable: call check_oom()
  void reload_files();
  void check_oom();
  [[nodiscard]] bool is_idle() const { return !freeze_ && !oom_; }
  // Milliseconds until check() has work to do; -1: nothing is due.
  [[nodiscard]] int timeout() const;
  void check();

 private:
  std::string directory_;
  UniqueFd signal_;
  UniqueFd oom_event_;
  std::optional<Undo> freeze_;
  std::optional<Undo> oom_;
  std::optional<std::chrono::nanoseconds> oom_since_;
};

}  // namespace mete::runtime::shim
