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

// The mounts of a RUN with their variables replaced; targets are absolute.
[[nodiscard]] Result<std::vector<RunMount>> expanded_mounts(const Instruction& at, const StageState& state,
                                                            const Scope& scope, char escape);
// `mounts` of this and the next function: those of expanded_mounts. What they bring in, for the key of the step.
[[nodiscard]] Result<std::string> run_inputs(const std::vector<RunMount>& mounts, std::size_t stage,
                                             BuildContext& context);
[[nodiscard]] Result<PlannedRun> plan_run(const Instruction& at, const RunCommand& command,
                                          const std::vector<RunMount>& mounts, const StageState& state,
                                          const Scope& scope, std::size_t stage, BuildContext& context);

}  // namespace mete::runtime::build
