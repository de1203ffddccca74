// SPDX-License-Identifier: Apache-2.0
// The files of plugins and of their configurations, and how a plugin is run. Waits for the program: not for the loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "runtime/network/cni/chain.h"

namespace mete::runtime::network::cni {

// The list of that name in these folders, by files in the order of their names (*.conflist, *.conf, *.json): the first
// is taken. The error: none has that name, and which files could not be read.
[[nodiscard]] Result<std::string> find_list(const std::vector<std::string>& folders, const std::string& name);

struct ProgramLimits {
  std::vector<std::string> folders;                            // where programs are, the first one first
  std::chrono::nanoseconds timeout = std::chrono::minutes(1);  // then it and what it has started are killed
  std::size_t most_output = std::size_t{1} << 20U;             // of each of its streams
  int stop = -1;  // readable: it is killed at once; -1: nobody asks for that
};
// The error: there is no such program, or it was killed with its process group: it took too long, or wrote too much.
[[nodiscard]] Result<PluginAnswer> run_program(const PluginCall& call, const ProgramLimits& limits);

}  // namespace mete::runtime::network::cni
