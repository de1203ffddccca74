// SPDX-License-Identifier: Apache-2.0
// Objects as commands name them.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {

struct ObjectWord {
  const KindName* kind = nullptr;
  std::string name;  // empty: all of the kind
};

// "deploy", "deploy,rs", "deploy web api", "deploy/web rs/x", "all".
[[nodiscard]] Result<std::vector<ObjectWord>> read_words(const std::vector<std::string>& words);

// The address of an action on an object.
[[nodiscard]] std::string action_path(const ObjectWord& word, const std::string& space, const std::string& action);

}  // namespace mete::agent::cli
