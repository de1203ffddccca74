// SPDX-License-Identifier: Apache-2.0
// Connects the caller's own terminal to the terminal of a process in a container (LaunchOptions::terminal).
#pragma once

#include <signal.h>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::process {

// Copies between the caller's standard streams and `terminal` until the process of `pidfd` has ended and its output is
// read, or no process has the other side open. A standard input that is a terminal is raw meanwhile, and its size is
// passed on. Signals in `passed_on`, which the caller must have blocked, are sent to the process. Blocks the calling
// thread.
void relay(const UniqueFd& terminal, const UniqueFd& pidfd, sigset_t passed_on);

}  // namespace mete::runtime::process
