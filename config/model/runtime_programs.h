// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on other OCI runtimes (`runtimes`): the programs that handlers of RuntimeClasses stand for.
#pragma once

#include <string>
#include <vector>

namespace mete::config {

struct RuntimeProgram {
  std::string name;               // the handler
  std::string path;               // absolute; empty: the program of that name in the usual folders
  std::vector<std::string> args;  // before those of mete
  bool operator==(const RuntimeProgram&) const = default;
};

}  // namespace mete::config
