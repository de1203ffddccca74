// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign/foreign_start.h"

#include <linux/sched.h>
#include <sched.h>

#include <algorithm>

#include "runtime/oci/config/write_config.h"
#include "runtime/process/plan/plan.h"

namespace mete::runtime::foreign {
namespace {

using process::BindMount;
using process::LaunchSpec;
using process::Plan;
using process::SetupOp;

// The program of the runtime is the machine's: it has the rights that mete has.
Plan run_of(const Request& request, std::vector<std::string> words) {
  const Paths paths(request.attempt);
  Plan plan;
  plan.args = {request.runtime.program};
  plan.args.insert(plan.args.end(), request.runtime.args.begin(), request.runtime.args.end());
  plan.args.insert(plan.args.end(), {"--root", paths.state, "--log", paths.log, "--log-format", "json"});
  plan.args.insert(plan.args.end(), words.begin(), words.end());
  plan.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  auto& sets = plan.identity.capabilities;
  sets.bounding = sets.effective = sets.permitted = request.capabilities;
  // A shim that is killed leaves no runtime behind that goes on making a container.
  plan.ops.push_back(process::EndWithLauncher{});
  return plan;
}

// A mount namespace that goes with the program; what the machine mounts later appears, and what it unmounts goes.
void add_own_mounts(Plan& plan) {
  plan.clone_flags |= CLONE_NEWNS;
  plan.ops.push_back(process::MakeMountsPrivate{true});
}

BindMount bind(std::string source, std::string destination) {
  BindMount op;
  op.source = std::move(source);
  op.destination = std::move(destination);
  return op;
}

// What only a descriptor of the shim leads to, and what must be resolved without leaving its volume, becomes a mount in
// the bundle, and config.json names that.
std::vector<SetupOp> take_into_bundle(const std::string& bundle, LaunchSpec& spec) {
  std::vector<SetupOp> ops;
  for (auto& use : spec.namespaces) {
    if (!use.path.starts_with("/proc/self/fd/")) continue;
    const std::string place = bundle + "/" +
                              (use.kind == process::NamespaceKind::network ? "network"
                               : use.kind == process::NamespaceKind::pid   ? "pid"
                                                                           : "ipc");
    ops.push_back(bind(use.path, place));
    use.path = place;
  }
  std::size_t number = 0;
  for (auto& mount : spec.mounts) {
    if (mount.type != "bind" || mount.sub_path.empty()) continue;
    const std::string place = bundle + "/volume-" + std::to_string(number++);
    BindMount op = bind(mount.source, place);
    op.sub_path = std::exchange(mount.sub_path, {});
    op.recursive = mount.recursive;
    ops.push_back(std::move(op));
    mount.source = place;
  }
  return ops;
}

Plan create_plan(const Request& request, const process::MountRoot& root, std::vector<SetupOp> bundle) {
  const Paths paths(request.attempt);
  Plan plan = run_of(request, {"create", "--bundle", paths.bundle, "--pid-file", paths.pid, request.id});
  add_own_mounts(plan);
  plan.ops.push_back(root);
  plan.ops.push_back(process::OpenRoot{"/"});
  for (auto& op : bundle) plan.ops.push_back(std::move(op));
  plan.ops.push_back(process::AwaitCgroups{});
  return plan;
}

// The container's group covers its hierarchy, so that no path leads to it.
Plan remove_plan(const Request& request) {
  Plan plan = run_of(request, {"delete", "--force", request.id});
  add_own_mounts(plan);
  plan.ops.push_back(process::OpenRoot{"/"});
  for (const auto& mount : request.hierarchies) plan.ops.push_back(bind(mount + request.cgroup, mount));
  plan.ops.push_back(process::AwaitCgroups{});
  return plan;
}

Plan start_plan(const Request& request) {
  Plan plan = run_of(request, {"start", request.id});
  plan.ops.push_back(process::AwaitCgroups{});
  return plan;
}

}  // namespace

Result<Start> make_start(LaunchSpec spec, const Request& request) {
  // The container's own plan says what is wrong with the manifest in the same words for all runtimes.
  METE_TRY(const Plan own, process::make_plan(spec));
  const auto root = std::find_if(own.ops.begin(), own.ops.end(),
                                 [](const SetupOp& op) { return std::holds_alternative<process::MountRoot>(op); });
  if (root == own.ops.end()) return fail("found no root to mount, expected one with another runtime");
  const Paths paths(request.attempt);
  auto bundle = take_into_bundle(paths.bundle, spec);
  // The shim writes it: not every root may go below its own value, and a runtime would fail then.
  spec.oom_score_adj.reset();
  Start start;
  const std::string what = "runtime " + request.runtime.name;
  auto config = oci::write_config(spec, {request.cgroup, request.device_rules, request.seccomp, request.hooks});
  if (!config) return fail_in(what, config.error());
  start.config = std::move(*config);
  start.plans.create = create_plan(request, std::get<process::MountRoot>(*root), std::move(bundle));
  start.plans.start = start_plan(request);
  start.plans.remove = remove_plan(request);
  start.plans.name = request.runtime.name;
  start.plans.log = paths.log;
  start.plans.pid_file = paths.pid;
  start.plans.cgroup = request.cgroup;
  if (request.keep_devices) start.plans.device_rules = request.device_rules;
  return start;
}

}  // namespace mete::runtime::foreign
