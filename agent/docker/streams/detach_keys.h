// SPDX-License-Identifier: Apache-2.0
// The keys by which a client leaves a container: "ctrl-p,ctrl-q". The client itself looks for them; what is asked for
// is checked here, as docker's engine does. Pure.
#pragma once

#include <string>

namespace mete::agent::docker {

// Single letters, "ctrl-" with one of @ a-z [ \ ] ^ _, and "DEL", with commas between them. None at all: the usual
// ones.
[[nodiscard]] bool are_detach_keys(const std::string& text);

}  // namespace mete::agent::docker
