// SPDX-License-Identifier: Apache-2.0
// What a change of the desired state does to each pod, for `mete apply` and `mete diff`. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/resolve/desired_state.h"

namespace mete::agent {

struct Effect {
  std::string pod;                // "default/web"
  std::vector<std::string> what;  // in the present tense; never empty
  bool operator==(const Effect&) const = default;
};

[[nodiscard]] std::vector<Effect> effects(const config::DesiredState& before, const config::DesiredState& after);

}  // namespace mete::agent
