// SPDX-License-Identifier: Apache-2.0
// What `docker info` shows of a storage driver below its name.
#pragma once

#include <optional>

#include "agent/docker/fields.h"
#include "runtime/storage/driver.h"

namespace mete::agent::docker {

// Pairs of words and value, with docker's words; an empty array for a driver without a pool. Pure.
[[nodiscard]] Json driver_status(const std::optional<runtime::storage::PoolUse>& use);

}  // namespace mete::agent::docker
