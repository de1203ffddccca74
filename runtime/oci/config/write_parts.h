// SPDX-License-Identifier: Apache-2.0
// The parts of write_config()'s document. Internal to runtime/oci/config.
#pragma once

#include "config/base/result.h"
#include "runtime/json.h"
#include "runtime/oci/config/write_config.h"

namespace mete::runtime::oci {

[[nodiscard]] Result<nlohmann::json> mounts_json(const process::LaunchSpec& spec);  // write_mounts.cpp

}  // namespace mete::runtime::oci
