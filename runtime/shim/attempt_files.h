// SPDX-License-Identifier: Apache-2.0
// The files of one attempt to run a container, through which the agent and its shim communicate. Files and not
// messages, because either side may die at any point: the other side, or the next agent, still finds out what happened.
//
//   lock      held (flock) by the shim as long as it lives: tells a live attempt from a dead one without pids. The
//   first
//             line identifies the shim. On a full disk the text of `exit` follows it, in the block that is allocated
//             already
//   plan      the encoded Plan; written by the agent before the shim starts
//   foreign-plans, bundle, runtime*  where another OCI runtime makes the container: its runs, encoded
//   (foreign_plans.h);
//             config.json with what is mounted for the runtime; its state, log and pid file
//   started   pid, start time and warnings; written when the command has been executed
//   pressure  a FIFO for containers that want to learn of memory pressure: the agent writes, the container reads. The
//             shim holds it open, so that a reader sees no end of file while the agent is not there
//   termination-log  what the container writes about its end (terminationMessagePath); made empty by the agent
//   attach    a socket for those who look at the container and type into it (attach_protocol.h); made by the shim
//   exit      how the container ended, or why it did not start; on disk before the shim reports it
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
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
  int code = 0;             // exit code in a shell's convention: 128 + signal for a killed process
  int signal = 0;           // 0: it was not killed by a signal
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
  [[nodiscard]] std::string foreign_plans() const { return directory_ + "/foreign-plans"; }
  [[nodiscard]] std::string termination_log() const { return directory_ + "/termination-log"; }
  [[nodiscard]] std::string attach() const { return directory_ + "/attach"; }
  [[nodiscard]] std::string pressure() const { return directory_ + "/pressure"; }

  // Empty when the file does not exist. exit() also reads an exit status that is only in the lock.
  [[nodiscard]] Result<std::optional<Started>> started() const;
  [[nodiscard]] Result<std::optional<ExitStatus>> exit() const;
  [[nodiscard]] Status write(const Started& started) const;
  [[nodiscard]] Status write(const ExitStatus& status) const;
  // Writes into the lock's own block, which needs no space on a full disk. `lock_fd` is the open lock, already signed.
  [[nodiscard]] Status write_in_place(const ExitStatus& status, int lock_fd) const;

  // Takes the lock. An invalid descriptor: a shim holds it.
  [[nodiscard]] Result<UniqueFd> try_lock() const;

 private:
  std::string directory_;
};

// Writes the lock's first line: "PID START_TIME\n" of the calling process.
[[nodiscard]] Status sign_lock(int lock_fd);
// The process that signed the lock; empty when it is not signed yet.
[[nodiscard]] std::optional<process::ProcessId> parse_lock(std::string_view text);

// Translates a wait status (waitpid(2)) into a shell's exit code.
[[nodiscard]] ExitStatus exit_status_of(int wait_status);

}  // namespace mete::runtime::shim
