// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/io.h"

#include <unistd.h>

namespace mete::runtime::cgroup {
namespace {

bool is_there(const std::string& file) {
  return ::access(file.c_str(), F_OK) == 0;
}

}  // namespace

Status find_io_latency(const Group& group) {
  if (group.hierarchies().on_v1("blkio")) return fail("this machine has IO on cgroup v1, expected cgroup v2");
  const std::string file = group.directory("io") + "/io.latency";
  if (!is_there(file)) return fail("this kernel was built without it (" + file + ")");
  return {};
}

Status find_io_weight(const Group& group) {
  const bool v1 = group.hierarchies().on_v1("blkio");
  const std::string file = group.directory(v1 ? "blkio" : "io") + (v1 ? "/blkio.bfq.weight" : "/io.weight");
  if (!is_there(file)) return fail("this kernel has no IO scheduler with weights here (" + file + ")");
  return {};
}

Status find_io_cost(const Group& root) {
  if (root.hierarchies().on_v2("io") && is_there(root.directory("io") + "/io.cost.qos")) return {};
  return fail(
      "found no io.cost.qos of the root cgroup, expected cgroup v2's io controller and a kernel with "
      "CONFIG_BLK_CGROUP_IOCOST");
}

ControlWrite io_cost_model(std::string line) {
  return {"io", "io.cost.model", std::move(line)};
}
ControlWrite io_cost_qos(std::string line) {
  return {"io", "io.cost.qos", std::move(line)};
}

}  // namespace mete::runtime::cgroup
