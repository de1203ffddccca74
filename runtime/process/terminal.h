// SPDX-License-Identifier: Apache-2.0
// Our own terminal before that of a process in a container (LaunchOptions::terminal).
#pragma once

#include <signal.h>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::process {

// Copies between our standard streams and `terminal` until the process of `pidfd` has ended and what it wrote is read,
// or nobody has the other side open. Standard input is raw meanwhile, when it is a terminal, and its size is passed on.
// Signals of `passed_on`, which the caller has blocked, are sent to the process. The calling thread waits.
void relay(const UniqueFd& terminal, const UniqueFd& pidfd, sigset_t passed_on);

}  // namespace mete::runtime::process
