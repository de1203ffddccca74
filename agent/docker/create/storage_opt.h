// SPDX-License-Identifier: Apache-2.0
// The storage driver in docker's words, and HostConfig.StorageOpt: the quota of what a container writes. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/docker/fields.h"
#include "config/base/units.h"

namespace mete::agent::docker {

// Of {"size": "120m"}; units are powers of 1024. Empty: none is asked for. Errors: another option, no size.
[[nodiscard]] Result<std::optional<Bytes>> layer_size_of(const Json& host);

// "overlay" is docker's "overlay2"; the other names are the same.
[[nodiscard]] std::string docker_driver(std::string_view name);

}  // namespace mete::agent::docker
