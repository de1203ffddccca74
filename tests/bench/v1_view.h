// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::bench {

// A mount namespace in which /sys/fs/cgroup shows the v1 hierarchies alone: crun 1.8 refuses a host where v2 holds a
// controller. Nothing below the machine's own mounts is touched: a new tmpfs lies on top of them, and goes with the
// descriptor. Invalid: it could not be made.
[[nodiscard]] runtime::UniqueFd make_v1_view(const runtime::cgroup::Hierarchies& hierarchies);

// Runs a program in that view (-1: where the caller is) to its end: what waitpid(2) tells of it.
[[nodiscard]] int run_command(std::vector<std::string> words, int view);

}  // namespace mete::bench
