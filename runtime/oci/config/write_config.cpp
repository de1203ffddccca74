// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/write_config.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "runtime/oci/config/config.h"
#include "runtime/oci/config/namespace_names.h"
#include "runtime/oci/config/seccomp_file.h"
#include "runtime/oci/config/write_parts.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/plan/resource_names.h"

namespace mete::runtime::oci {
namespace {

using nlohmann::json;
using process::LaunchSpec;
using process::NamespaceKind;

std::string_view name_of(NamespaceKind kind) {
  const auto* const at = std::find_if(kNamespaceNames.begin(), kNamespaceNames.end(),
                                      [&](const auto& each) { return each.second == kind; });
  return at == kNamespaceNames.end() ? std::string_view() : at->first;
}

Status check(const LaunchSpec& spec) {
  const auto refuse = [](const char* what) {
    return fail(std::string("found ") + what + ", expected none with another runtime");
  };
  const auto uses = [&](NamespaceKind kind) {
    return std::any_of(spec.namespaces.begin(), spec.namespaces.end(),
                       [&](const auto& use) { return use.kind == kind; });
  };
  if (uses(NamespaceKind::user) || !spec.uid_mappings.empty() || !spec.gid_mappings.empty() || spec.stdio_owner)
    return refuse("users of the container's own (hostUsers: false)");
  if (spec.overlay && !spec.overlay->owners.empty()) return refuse("users of the container's own (hostUsers: false)");
  if (uses(NamespaceKind::time) || spec.monotonic_offset || spec.boottime_offset) return refuse("clocks of its own");
  if (!uses(NamespaceKind::mount)) return refuse("no mount namespace");
  if (spec.init) return refuse("an init process of mete's (mete/init, docker run --init)");
  if (spec.hooks) return refuse("hooks");
  if (spec.move_root) return refuse("a root that is moved");
  if (spec.tuning != process::Tuning()) return refuse("scheduling of its own");
  if ((spec.root_propagation & MS_SHARED) != 0) return refuse("a root that is shared");
  return {};
}

json namespaces_json(const LaunchSpec& spec) {
  json all = json::array();
  for (const auto& use : spec.namespaces) {
    json value = {{"type", name_of(use.kind)}};
    if (!use.path.empty()) value["path"] = use.path;
    all.push_back(std::move(value));
  }
  return all;
}

Result<json> devices_json(const LaunchSpec& spec) {
  json all = json::array();
  for (const auto& device : spec.devices) {
    const std::uint32_t type = device.type_and_mode & S_IFMT;
    if (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)
      return fail("device " + device.path + ": found another kind of file, expected a device or a pipe");
    json value = {{"path", device.path},
                  {"type", type == S_IFCHR   ? "c"
                           : type == S_IFBLK ? "b"
                                             : "p"},
                  {"fileMode", device.type_and_mode & 07777U},
                  {"uid", device.uid},
                  {"gid", device.gid}};
    if (type != S_IFIFO) {
      value["major"] = major(device.device);
      value["minor"] = minor(device.device);
    }
    all.push_back(std::move(value));
  }
  return all;
}

json rules_json(const std::vector<cgroup::DeviceRule>& rules) {
  json all = json::array();
  for (const auto& rule : rules) {
    json value = {{"allow", rule.allow}, {"access", rule.access}};
    // "all" is said by leaving the type out.
    if (rule.type != 'a') value["type"] = std::string(1, rule.type);
    if (rule.major) value["major"] = *rule.major;
    if (rule.minor) value["minor"] = *rule.minor;
    all.push_back(std::move(value));
  }
  return all;
}

json process_json(const LaunchSpec& spec) {
  const auto& identity = spec.identity;
  json user = {{"uid", identity.uid}, {"gid", identity.gid}};
  if (!identity.additional_gids.empty()) user["additionalGids"] = identity.additional_gids;
  if (identity.umask) user["umask"] = *identity.umask;
  const auto& sets = identity.capabilities;
  json value = {{"user", std::move(user)},
                {"terminal", spec.terminal.has_value()},
                {"args", spec.args},
                {"env", spec.env},
                {"cwd", spec.cwd},
                {"noNewPrivileges", identity.no_new_privileges},
                {"capabilities",
                 {{"bounding", process::capability_names(sets.bounding)},
                  {"effective", process::capability_names(sets.effective)},
                  {"permitted", process::capability_names(sets.permitted)},
                  {"inheritable", process::capability_names(sets.inheritable)},
                  {"ambient", process::capability_names(sets.ambient)}}}};
  for (const auto& each : identity.rlimits)
    value["rlimits"].push_back(
        {{"type", process::resource_name(each.resource)}, {"soft", each.soft}, {"hard", each.hard}});
  if (spec.oom_score_adj) value["oomScoreAdj"] = *spec.oom_score_adj;
  if (!identity.apparmor_profile.empty()) value["apparmorProfile"] = identity.apparmor_profile;
  if (spec.terminal && spec.terminal->rows != 0)
    value["consoleSize"] = {{"height", spec.terminal->rows}, {"width", spec.terminal->columns}};
  return value;
}

json hooks_json(const Hooks& hooks) {
  json value = json::object();
  const std::pair<const char*, const std::vector<Hook>*> points[] = {{"prestart", &hooks.prestart},
                                                                     {"createRuntime", &hooks.create_runtime},
                                                                     {"createContainer", &hooks.create_container},
                                                                     {"startContainer", &hooks.start_container},
                                                                     {"poststart", &hooks.poststart},
                                                                     {"poststop", &hooks.poststop}};
  for (const auto& [name, list] : points) {
    for (const auto& hook : *list) {
      json each = {{"path", hook.path}};
      if (!hook.args.empty()) each["args"] = hook.args;
      if (hook.env) each["env"] = *hook.env;
      if (hook.timeout) each["timeout"] = hook.timeout->count();
      value[name].push_back(std::move(each));
    }
  }
  return value;
}

bool has_own_name(const LaunchSpec& spec) {
  return std::any_of(spec.namespaces.begin(), spec.namespaces.end(),
                     [](const auto& use) { return use.kind == NamespaceKind::uts && use.path.empty(); });
}

Result<json> linux_json(const LaunchSpec& spec, const WriteContext& context) {
  METE_TRY(json devices, devices_json(spec));
  json value = {{"namespaces", namespaces_json(spec)},
                {"devices", std::move(devices)},
                {"cgroupsPath", context.cgroups_path},
                {"resources", {{"devices", rules_json(context.device_rules)}}}};
  if (!spec.masked_paths.empty()) value["maskedPaths"] = spec.masked_paths;
  if (!spec.read_only_paths.empty()) value["readonlyPaths"] = spec.read_only_paths;
  for (const auto& [key, text] : spec.sysctls) value["sysctl"][key] = text;
  // The field `domainname` is young (1.1 of the specification): runtimes that do not know it leave it out silently.
  if (!spec.domainname.empty() && has_own_name(spec)) value["sysctl"]["kernel.domainname"] = spec.domainname;
  if (spec.receive_host_mounts) value["rootfsPropagation"] = "rslave";
  if (context.seccomp) value["seccomp"] = json::parse(seccomp_text(*context.seccomp));
  return value;
}

}  // namespace

Result<std::string> write_config(const LaunchSpec& spec, const WriteContext& context) {
  METE_CHECK(check(spec));
  if (!spec.identity.seccomp_filter.empty() && !context.seccomp)
    return fail("seccomp: found a compiled filter alone, expected its profile");
  METE_TRY(json mounts, mounts_json(spec));
  METE_TRY(json linux_part, linux_json(spec, context));
  // 1.0.2, which all runtimes of today take: nothing here is younger.
  json document = {{"ociVersion", "1.0.2"},
                   {"root", {{"path", spec.rootfs}, {"readonly", spec.read_only_root}}},
                   {"process", process_json(spec)},
                   {"mounts", std::move(mounts)},
                   {"linux", std::move(linux_part)}};
  if (json hooks = hooks_json(context.hooks); !hooks.empty()) document["hooks"] = std::move(hooks);
  // A name in a namespace that is joined is its owner's.
  if (!spec.hostname.empty() && has_own_name(spec)) document["hostname"] = spec.hostname;
  // Arguments and variables of a manifest may be any bytes but NUL; JSON has none but UTF-8.
  try {
    return document.dump();
  } catch (const json::exception&) {
    return fail(
        "config.json: found bytes that are not UTF-8 in the command, the environment or a path, expected UTF-8 "
        "with another runtime");
  }
}

}  // namespace mete::runtime::oci
