// SPDX-License-Identifier: Apache-2.0
// Computes by how much a memory limit may be raised. Pure.
#pragma once

#include "config/base/result.h"
#include "config/base/units.h"
#include "config/model/policy.h"

namespace mete::enforcers {

struct RaiseFacts {
  Bytes original;   // from the manifest; `by` is a share of it
  Bytes current;    // in force
  Bytes available;  // on the machine: MemAvailable less the reserve
};

// The new limit: whole pages of 4 KiB, at most raise.max. The error says why the limit stays: it is already at
// raise.max, or the machine has too little memory available.
[[nodiscard]] Result<Bytes> raised_limit(const config::OomRaise& raise, const RaiseFacts& facts);

}  // namespace mete::enforcers
