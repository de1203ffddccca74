// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on the files of containers. Internal to config/.
#pragma once

#include "config/reading/fields.h"
#include "config/reading/view.h"
#include "config/storage_policy.h"

namespace mete::config {

extern const ObjectSpec kStorageSpec;
[[nodiscard]] StoragePolicy read_storage(const View& view);

}  // namespace mete::config
