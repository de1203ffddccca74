// SPDX-License-Identifier: Apache-2.0
// ?filters= of `docker ps`. Pure.
#pragma once

#include "agent/docker/container/container_json.h"
#include "agent/docker/filters.h"

namespace mete::agent::docker {

// The error has docker's words.
[[nodiscard]] Result<Filters> container_filters(const std::string& text);

// `of_all`: also of those that do not run, which else are shown only where a filter names what they are.
[[nodiscard]] bool is_asked_for(bool of_all, const Filters& filters, const View& view);

}  // namespace mete::agent::docker
