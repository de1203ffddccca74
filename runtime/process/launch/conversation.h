// SPDX-License-Identifier: Apache-2.0
// The launcher's side of the control socket: reads the child's words and explains its reports.
#pragma once

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/child/child.h"

namespace mete::runtime::process {

// In ChildSays: the child has said nothing for as long as the socket waits (SO_RCVTIMEO). It may be busy, or frozen.
constexpr char kSilent = '-';

struct ChildSays {
  char word = 0;        // one of child.h, or kSilent; 0: the socket closed, by the exec or by the child's end
  UniqueFd descriptor;  // with kTerminal
  int number = 0;       // with kListener
};

// The child's report as an error.
[[nodiscard]] tl::unexpected<Error> explain(const Plan& plan, ChildReport& report);

// Waits for the next word, or for the time that the socket waits. The error is the child's report, or says that the
// child ended without a report.
[[nodiscard]] Result<ChildSays> next_word(const Plan& plan, const UniqueFd& control);

// Returns `done`, except when `done` is an error and the child has left a report: then the report, which explains more.
[[nodiscard]] Status or_report(const Plan& plan, const UniqueFd& control, Status done);

}  // namespace mete::runtime::process
