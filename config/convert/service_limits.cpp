// SPDX-License-Identifier: Apache-2.0
// CPU and memory, and what else stands under `deploy`.
#include "config/convert/docker_amounts.h"
#include "config/convert/service.h"

namespace mete::config {
namespace {

void set_memory(const View& view, Value& list) {
  if (!view) return;
  const auto size = size_from_docker(view.text());
  if (!size) return view.error(mismatch(describe(view.node()), "a size such as 512m"));
  list["memory"] = *size;
}

void set_cpu(const View& view, Value& list) {
  if (view) list["cpu"] = view.text();
}

// The amounts under deploy.resources.limits or .reservations.
void add_amounts(const View& amounts, Value& list) {
  set_cpu(amounts["cpus"], list);
  set_memory(amounts["memory"], list);
  if (const View pids = amounts["pids"]) leave_out(pids, "a Policy limits the number of tasks");
  if (const View devices = amounts["devices"])
    leave_out(devices, "devices.allow of a Policy gives a container devices");
}

void add_deploy(const View& deploy, Value& spec, Value& resources) {
  add_amounts(deploy["resources"]["limits"], resources["limits"]);
  add_amounts(deploy["resources"]["reservations"], resources["requests"]);
  const View condition = deploy["restart_policy"]["condition"];
  if (condition.text() == "on-failure") {
    spec["restartPolicy"] = "OnFailure";
  } else if (condition.text() == "none") {
    spec["restartPolicy"] = "Never";
  } else if (condition || deploy["restart_policy"]) {
    spec["restartPolicy"] = "Always";
  }
  leave_out_others(deploy["restart_policy"], {"condition"}, "a Pod is started again as restartPolicy says");
  leave_out_others(deploy, {"resources", "restart_policy", "replicas"},
                   "replicas, resources and restart_policy have one");
}

}  // namespace

void add_limits(const View& service, Value& spec, Value& container) {
  Value resources;
  set_cpu(service["cpus"], resources["limits"]);
  set_memory(service["mem_limit"], resources["limits"]);
  set_memory(service["mem_reservation"], resources["requests"]);
  add_deploy(service["deploy"], spec, resources);
  container["resources"] = std::move(resources);
}

}  // namespace mete::config
