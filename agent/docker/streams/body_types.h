// SPDX-License-Identifier: Apache-2.0
// Which type a field of POST /containers/create has. A value of another type would count as none (fields.h), so that
// something that was asked for would be left out in silence. Pure.
#pragma once

#include "agent/docker/fields.h"

namespace mete::agent::docker {

// The error names the field, what was found there, and what is expected.
[[nodiscard]] Status check_types(const Json& body);

}  // namespace mete::agent::docker
