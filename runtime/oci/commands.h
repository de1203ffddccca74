// SPDX-License-Identifier: Apache-2.0
// One function per command. Each returns the program's exit code, or the error to report.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/oci/config/options.h"

namespace mete::runtime::oci {

[[nodiscard]] Result<int> run_command(const Options& options);

// life.cpp
[[nodiscard]] Result<int> create(const Options& options);
[[nodiscard]] Result<int> start(const Options& options);
[[nodiscard]] Result<int> run(const Options& options);
[[nodiscard]] Result<int> remove(const Options& options);
// running.cpp
[[nodiscard]] Result<int> kill(const Options& options);
[[nodiscard]] Result<int> pause(const Options& options);
[[nodiscard]] Result<int> resume(const Options& options);
[[nodiscard]] Result<int> update(const Options& options);
// events.cpp
[[nodiscard]] Result<int> events(const Options& options);
// features.cpp
[[nodiscard]] Result<int> features(const Options& options);
// exec.cpp
[[nodiscard]] Result<int> exec(const Options& options);
// show.cpp
[[nodiscard]] Result<int> state(const Options& options);
[[nodiscard]] Result<int> list(const Options& options);
[[nodiscard]] Result<int> processes(const Options& options);
[[nodiscard]] Result<int> spec(const Options& options);

// follow.cpp: forwards signals to the process `pid`, waits for its end, returns its exit code (128 + signal when
// killed).
[[nodiscard]] int follow(int pid, int pidfd);
// The same, and connects the caller's terminal to `terminal` meanwhile.
[[nodiscard]] int follow_terminal(int pid, const UniqueFd& pidfd, const UniqueFd& terminal);
// Gives back what a command that goes on for longer needs no more of this program: the mount of its file, the pages of
// its code. Of one that has ended meanwhile the caller waits, and the end of this program does the same.
void give_back_image(const UniqueFd& pidfd);
// Blocks the signals that follow() forwards. Must be called before the process is made; otherwise a signal could be
// missed.
void hold_signals();

// Writes one line to standard error and to --log.
void report(const Options& options, const char* level, const std::string& message);

}  // namespace mete::runtime::oci
