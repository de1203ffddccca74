// SPDX-License-Identifier: Apache-2.0
// What a container gets with devices of the Container Device Interface (config/model/cdi.h): the edits that its
// specification asks of an OCI config.json, made to a LaunchSpec.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/model/cdi.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::pod {

struct CdiNode {
  process::DeviceSpec device;
  std::string access;   // of its cgroup's rule; empty: none
  bool own_uid = true;  // the specification says who owns it; otherwise the container's user does
  bool own_gid = true;
};

// Looks at the machine's nodes for what the edits leave out. The error names the specification and the node: there is
// no device, it is of another kind, or it would be where no device works.
[[nodiscard]] Result<std::vector<CdiNode>> find_cdi_nodes(const config::CdiEdits& edits);

// Changes `launch`, which is complete otherwise and has the nodes: variables, mounts, groups, owners of nodes. With
// `own_users` nodes are bound, which takes one at the same path of the machine. Pure. The error names the
// specification, and what it asks for that is not done.
[[nodiscard]] Status apply_cdi(const config::CdiEdits& edits, const std::vector<CdiNode>& nodes, bool own_users,
                               process::LaunchSpec& launch);

// Mete itself runs no hooks: the error that says so. None: there are no hooks.
[[nodiscard]] Status check_no_hooks(const config::CdiEdits& edits);

}  // namespace mete::runtime::pod
