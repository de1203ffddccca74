// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/run_plan.h"

#include "runtime/build/cache_mounts.h"
#include "runtime/build/copy_plan.h"
#include "runtime/build/mount_plan.h"
#include "runtime/build/settings_step.h"
#include "runtime/file.h"
#include "runtime/image/users.h"

namespace mete::runtime::build {
namespace {

constexpr const char* kResolv = "/etc/resolv.conf";
constexpr const char* kHosts = "/etc/hosts";

void add_mount(RunStep& step, process::MountSpec mount, bool is_file) {
  step.mount_points.push_back({mount.destination, is_file});
  step.mounts.push_back(std::move(mount));
}

// The build's names: with the host's network its resolvers, in any case its own /etc/hosts. `resolver`: the text for a
// network that is given.
Status add_name_files(RunStep& step, Workspace& workspace, const std::string& resolver) {
  const std::string hosts = workspace.new_path();
  METE_CHECK(replace_file(hosts, "127.0.0.1\tlocalhost build\n::1\tlocalhost ip6-localhost ip6-loopback\n", 0644,
                          Durability::volatile_));
  add_mount(step, {.destination = kHosts, .type = "bind", .source = hosts}, true);
  if (step.network == RunNetwork::kNone) return {};
  const bool given = step.network == RunNetwork::kGiven;
  const std::string text = given ? resolver : read_file(AT_FDCWD, kResolv).value_or("");
  const std::string resolv = workspace.new_path();
  METE_CHECK(replace_file(resolv, text, 0644, Durability::volatile_));
  add_mount(step, {.destination = kResolv, .type = "bind", .source = resolv}, true);
  return {};
}

Status add_user(const StageState& state, const BuildContext& context, RunStep& step) {
  METE_TRY(const NameFiles names, name_files(state, context.store));
  METE_TRY(const image::ResolvedUser user, image::resolve_user(state.settings.user, names.passwd, names.group));
  step.uid = user.uid;
  step.gid = user.gid;
  step.groups = image::process_groups(user);
  if (!variable_of(step.env, "HOME")) set_variable(step.env, "HOME", user.home);
  return {};
}

}  // namespace

Result<RunNetwork> run_network(const Instruction& at, RunNetwork otherwise) {
  METE_CHECK(check_flags(at, {"mount", "network"}));
  const auto value = flag_value(at, "network");
  if (!value || *value == "default") return otherwise;
  if (*value == "none") return RunNetwork::kNone;
  if (*value != "host") return fail("found --network=" + *value + ", expected default, none or host");
  if (otherwise == RunNetwork::kNone)
    return fail("found --network=host in a build with --network none, expected no network");
  return RunNetwork::kHost;
}

Result<std::vector<RunMount>> expanded_mounts(const Instruction& at, const StageState& state, const Scope& scope,
                                              char escape) {
  METE_TRY(auto mounts, run_mounts(at));
  const Lookup lookup = scope.lookup(state.settings);
  for (RunMount& mount : mounts) {
    METE_TRY(mount.target, expand(mount.target, lookup, escape));
    METE_TRY(mount.source, expand(mount.source, lookup, escape));
    METE_TRY(mount.id, expand(mount.id, lookup, escape));
    if (!mount.target.empty()) mount.target = from_working_dir(state.settings, mount.target);
  }
  return mounts;
}

Result<PlannedRun> plan_run(const Instruction& at, const RunCommand& command, const std::vector<RunMount>& mounts,
                            const StageState& state, const Scope& scope, std::size_t stage, BuildContext& context) {
  PlannedRun planned;
  RunStep& step = planned.step;
  step.name = "run-" + std::to_string(stage);
  step.stop = context.stop.fd();
  step.args = command.args;
  step.env = state.settings.env;
  for (std::string& each : scope.run_variables(state.settings, true)) step.env.push_back(std::move(each));
  step.cwd = from_working_dir(state.settings, ".");
  METE_TRY(step.network, run_network(at, context.options.network));
  METE_CHECK(add_user(state, context, step));
  step.mount_points = default_mount_points();
  if (step.network == RunNetwork::kGiven) step.network_namespace = context.options.network_namespace;
  METE_CHECK(add_name_files(step, context.workspace, context.options.resolver));
  METE_TRY(planned.caches, take_caches(mounts, context, planned.locks));
  for (const RunMount& mount : mounts) METE_CHECK(add_run_mount(mount, stage, context, planned));
  if (!command.script.empty()) {
    const std::string script = context.workspace.new_path();
    METE_CHECK(replace_file(script, command.script, 0755, Durability::volatile_));
    step.mounts.push_back({.destination = kScriptPath, .type = "bind", .source = script, .attributes = 0});
  }
  return planned;
}

}  // namespace mete::runtime::build
