// SPDX-License-Identifier: Apache-2.0
// Policies that select pods by labels which none has: a warning, once for each text of a policy.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/resolve/desired_state.h"

namespace mete::agent {

class UnmatchedPolicies {
 public:
  // Sentences about policies that are new or changed and select no pod there is now.
  [[nodiscard]] std::vector<std::string> see(const config::DesiredState& desired);

 private:
  std::map<std::string, config::Policy> seen_;  // by full name
};

}  // namespace mete::agent
