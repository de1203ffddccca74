// SPDX-License-Identifier: Apache-2.0
// A dead man's switch: the agent says in a file of the attempt's directory what is to be undone, should the agent not
// be there to do it. A container that is frozen, or held at its memory limit, does not stay so because the agent died.
//
//   watchdog.freeze   "at NANOSECONDS\n" of CLOCK_BOOTTIME, then lines "write PATH TEXT\n" that are done then
//   watchdog.oom      "oom DIRECTORY MILLISECONDS\n", a v1 memory cgroup in which nobody is killed while
//   memory.oom_control
//                     says so, and the lines to be done when somebody has waited in it for so long
//
// A file that is gone or says something else counts no more: the agent removes it when it has done its part.
#pragma once

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::shim {

struct Undo {
  std::chrono::nanoseconds at{};     // CLOCK_BOOTTIME; of a freeze
  std::string memory_directory;      // of an OOM
  std::chrono::milliseconds wait{};  // of an OOM
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
// Paths and texts hold no newline, paths no space.
[[nodiscard]] Result<Undo> parse_undo(std::string_view text);
[[nodiscard]] std::chrono::nanoseconds boot_time();

// The agent sends it to a shim whose files it has changed: a shim that knows nothing of it is not harmed. Not inotify,
// of which a user has 128 at most.
inline constexpr int kFilesChanged = SIGURG;

// `mete-shim watchdog`: the watchdog alone, of a cgroup that has no shim. Returns, with the exit code, when neither
// file is there.
[[nodiscard]] int run_watchdog(const std::string& directory);

// The shim's side. It waits for nothing: its owner polls the descriptors and calls back.
class Watchdog {
 public:
  // Blocks kFilesChanged. Without descriptors there is no watchdog: the container is then freed by the next agent
  // alone.
  explicit Watchdog(std::string attempt_directory);
  [[nodiscard]] int files_fd() const { return signal_.get(); }   // readable: call see_files()
  [[nodiscard]] int oom_fd() const { return oom_event_.get(); }  // readable: call see_oom()
  void see_files();
  void see_oom();
  [[nodiscard]] bool is_idle() const { return !freeze_ && !oom_; }
  // Milliseconds until check() has something to do; -1: nothing to wait for.
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
