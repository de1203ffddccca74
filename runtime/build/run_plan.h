// SPDX-License-Identifier: Apache-2.0
// From a RUN in a Dockerfile to a container.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/build/language/run_mounts.h"
#include "runtime/build/language/scope.h"
#include "runtime/build/run_command.h"
#include "runtime/build/run_step.h"
#include "runtime/build/stage_state.h"

namespace mete::runtime::build {

// --network of the instruction, or the build's.
[[nodiscard]] Result<RunNetwork> run_network(const Instruction& at, RunNetwork otherwise);

// A RUN whose mounts are made. They live as long as this does.
struct PlannedRun {
  RunStep step;
  std::vector<MountedTree> trees;
  std::map<std::string, std::string> caches;  // paths by id
  std::vector<UniqueFd> locks;                // of caches that no other may use meanwhile
};

// What the mounts bring in, for the key of the step.
[[nodiscard]] Result<std::string> run_inputs(const std::vector<RunMount>& mounts, std::size_t stage,
                                             BuildContext& context);
[[nodiscard]] Result<PlannedRun> plan_run(const Instruction& at, const RunCommand& command, const StageState& state,
                                          const Scope& scope, std::size_t stage, BuildContext& context);

}  // namespace mete::runtime::build
