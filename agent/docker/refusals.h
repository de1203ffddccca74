// SPDX-License-Identifier: Apache-2.0
// The table of what docker clients may ask for and mete does not do, each with its reason. Answers to clients and the
// table in docs/docker-clients.md are made from it. Pure.
#pragma once

#include <span>
#include <string_view>

#include "agent/docker/fields.h"

namespace mete::agent::docker {

struct Refused {
  const char* field;
  const char* why;
};
[[nodiscard]] std::span<const Refused> refused_fields();  // of HostConfig

// The error names the field and why it is refused. `config` and `host` are complete.
[[nodiscard]] Status check_supported(const Json& config, const Json& host);
// Fields of the request itself: an address that no device can have, and what excludes each other.
[[nodiscard]] Status check_asked(const Json& body);

}  // namespace mete::agent::docker
