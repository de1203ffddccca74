// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/io.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/cgroup/devices/block_device.h"
#include "runtime/cgroup/limits/single_settings.h"
#include "runtime/file.h"

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

// bfq is the only scheduler with a weight for each disk (block/bfq-cgroup.c). Its file is there for all groups, and the
// kernel answers EOPNOTSUPP for a disk that another scheduler serves.
Result<std::string> weighted_disk_of(const Group& group, const std::string& path) {
  METE_TRY(std::string disk, disk_of(path));
  const bool v1 = group.hierarchies().on_v1("blkio");
  const std::string_view file = v1 ? kIoWeightOfBfq.v1_file : kIoWeightOfBfq.v2_file;
  const std::string weights = group.directory(v1 ? "blkio" : "io") + "/" + std::string(file);
  if (!is_there(weights)) return fail("this kernel has no IO scheduler with weights of disks here (" + weights + ")");
  const std::string queue = "/sys/dev/block/" + disk + "/queue/scheduler";
  METE_TRY(const std::string text, read_file(AT_FDCWD, queue));
  if (const std::string now = scheduler_in(text); now != "bfq")
    return fail(path + ": found the IO scheduler " + now + " (" + queue + "), expected bfq, the only one with weights");
  return disk;
}

std::string scheduler_in(std::string_view text) {
  const auto open = text.find('[');
  const auto shut = text.find(']', std::min(open, text.size()));
  return shut == std::string_view::npos ? "none" : std::string(text.substr(open + 1, shut - open - 1));
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
