// SPDX-License-Identifier: Apache-2.0
// By how much a memory limit may be raised. Pure.
#pragma once

#include "config/policy.h"
#include "config/result.h"
#include "config/units.h"

namespace mete::enforcers {

struct RaiseFacts {
  Bytes original;   // by manifest: `by` is a share of it
  Bytes current;    // in force
  Bytes available;  // of the machine: MemAvailable, less what is reserved
};

// The new limit: whole pages of 4 KiB, at most raise.max. The error says why there is none: it is at its largest, or
// the machine cannot afford what would be added.
[[nodiscard]] Result<Bytes> raised_limit(const config::OomRaise& raise, const RaiseFacts& facts);

}  // namespace mete::enforcers
