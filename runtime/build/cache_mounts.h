// SPDX-License-Identifier: Apache-2.0
// The directories of RUN --mount=type=cache: STORE/build/mounts/SUM, one for each id. Of two RUN at once, of one build
// or of two: shared: both use it; locked: the second waits; private: the second has a new one, which goes with its
// build.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/build/language/run_mounts.h"
#include "runtime/build/stage_state.h"

namespace mete::runtime::build {

// The strictest sharing that the mounts ask for, by their id, in the order in which all RUN lock them: no two wait for
// each other. Pure.
[[nodiscard]] std::map<std::string, RunMount> caches_of(const std::vector<RunMount>& mounts);

// The path of each cache by its id; made where it is not there. `locks` hold those that are not shared. The error
// ECANCELED: another stage has failed meanwhile.
[[nodiscard]] Result<std::map<std::string, std::string>> take_caches(const std::vector<RunMount>& mounts,
                                                                     BuildContext& context,
                                                                     std::vector<UniqueFd>& locks);

}  // namespace mete::runtime::build
