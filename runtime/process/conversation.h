// SPDX-License-Identifier: Apache-2.0
// What a child says to its launcher over the control socket, and what its reports mean.
#pragma once

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/process/child.h"

namespace mete::runtime::process {

struct ChildSays {
  char word = 0;        // one of child.h; 0: the socket closed, at the exec or with the child's end
  UniqueFd descriptor;  // with kTerminal
  int number = 0;       // with kListener
};

// Waits for the next word. The error is the child's report, or that it ended without one.
[[nodiscard]] Result<ChildSays> next_word(const Plan& plan, const UniqueFd& control);

// `done` as it is; when it is an error and the child has left a report, that, which is the better explanation.
[[nodiscard]] Status or_report(const Plan& plan, const UniqueFd& control, Status done);

}  // namespace mete::runtime::process
