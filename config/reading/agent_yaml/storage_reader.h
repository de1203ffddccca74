// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on the files of containers. Internal to config/.
#pragma once

#include "config/model/storage_policy.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kStorageSpec;
[[nodiscard]] StoragePolicy read_storage(const View& view);

}  // namespace mete::config
