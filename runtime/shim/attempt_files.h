// SPDX-License-Identifier: Apache-2.0
// The files of one attempt to run a container: what the agent and its shim tell each other. They are files and not
// messages, so that either side may die at any point and the other, or the next agent, still knows what happened.
//
//   lock      held (flock) by the shim for as long as it lives: tells a live attempt from a dead one without pids.
//             Its first line is who the shim is; on a full disk the text of `exit` follows it, in the block it has
//             already
//   plan      the encoded Plan; written by the agent before the shim is started
//   started   pid, start time and warnings; written when the command has been executed
//   pressure  a FIFO, where the container wants to be told of memory pressure: the agent writes, the container reads,
//   and
//             the shim holds it open, so that a reader sees no end of file while nobody writes
//   exit      how it ended, or why it did not start; on disk before anybody is told
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::shim {

using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

struct Started {
  process::ProcessId id;
  TimePoint at;
  std::vector<std::string> warnings;
  bool operator==(const Started&) const = default;
};

struct ExitStatus {
  int code = 0;             // as a shell has it: 128 + signal for a killed one
  int signal = 0;           // 0: it ended by itself
  std::string start_error;  // not empty: the command never ran; code is 126, 127 or 128
  TimePoint at;
  bool operator==(const ExitStatus&) const = default;
};

[[nodiscard]] std::string to_text(const Started& started);
[[nodiscard]] std::string to_text(const ExitStatus& status);
[[nodiscard]] Result<Started> parse_started(std::string_view text);
[[nodiscard]] Result<ExitStatus> parse_exit_status(std::string_view text);

class AttemptFiles {
 public:
  explicit AttemptFiles(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string lock() const { return directory_ + "/lock"; }
  [[nodiscard]] std::string plan() const { return directory_ + "/plan"; }
  [[nodiscard]] std::string pressure() const { return directory_ + "/pressure"; }

  // Empty when the file is not there yet. An exit status that is only in the lock counts.
  [[nodiscard]] Result<std::optional<Started>> started() const;
  [[nodiscard]] Result<std::optional<ExitStatus>> exit() const;
  [[nodiscard]] Status write(const Started& started) const;
  [[nodiscard]] Status write(const ExitStatus& status) const;
  // Into the lock's own block, where there is room when the disk is full. `lock_fd` is the open lock, signed before.
  [[nodiscard]] Status write_in_place(const ExitStatus& status, int lock_fd) const;

  // Takes the lock; an invalid descriptor when a shim holds it.
  [[nodiscard]] Result<UniqueFd> try_lock() const;

 private:
  std::string directory_;
};

// The lock's first line: "PID START_TIME\n", of the process that holds it.
[[nodiscard]] Status sign_lock(int lock_fd);
// Who signed it; empty when nobody has yet.
[[nodiscard]] std::optional<process::ProcessId> parse_lock(std::string_view text);

// A wait status (waitpid(2)) as a shell would show it.
[[nodiscard]] ExitStatus exit_status_of(int wait_status);

}  // namespace mete::runtime::shim
