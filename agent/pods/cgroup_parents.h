// SPDX-License-Identifier: Apache-2.0
// Cgroups between the agent's own and those of pods, which docker's clients ask for (--cgroup-parent). What the agent
// has made of them it removes when nothing is in them any more; what was there before stays, as its limits are
// somebody's. RUN/cgroup-parents/ has an empty file for each that it makes, "team_web" for PARENT/team/web.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/settings.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

// The name of a cgroup between the agent's and a pod's; that of a pod has a '_'. Pure.
[[nodiscard]] bool is_parents_name(std::string_view name);

// What a client asks for, as a path below `root`, the agent's own: "team/web"; empty: `root` itself. An absolute path
// is one of the machine, as with docker's cgroupfs driver, and a relative one begins at `root`. The error: it is not
// within `root`, or no cgroup of a pod could be told from it. Pure.
[[nodiscard]] Result<std::string> cgroup_parent_below(const std::string& root, const std::string& asked);

// Notes those above a pod, of `below`, that are not there. Before they are made.
[[nodiscard]] Status note_missing_parents(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies,
                                          const std::string& below);

// Removes those of `below` that are noted and empty, from the deepest on.
void remove_empty_parents(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies,
                          const std::string& below);

// The same of all that are noted.
void remove_all_empty_parents(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies);

}  // namespace mete::agent
