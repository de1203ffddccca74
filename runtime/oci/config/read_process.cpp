// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>

#include "runtime/oci/config/read_parts.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/plan/resource_names.h"

namespace mete::runtime::oci {
namespace {

constexpr std::uint32_t kUsualUmask = 022;
constexpr std::uint32_t kNobody = 0xFFFF'FFFF;  // (uid_t)-1 means "unchanged" to the kernel

void read_rlimits(const Node& rlimits, std::vector<process::ResourceLimit>& limits) {
  for (const auto& each : rlimits.items()) {
    const std::string type = each["type"].text();
    const process::ResourceLimit limit{process::resource_number(type), each["soft"].u64(), each["hard"].u64()};
    if (limit.resource < 0) each["type"].bad("\"" + type + "\"", "a resource such as RLIMIT_NOFILE");
    if (limit.soft > limit.hard)
      each["soft"].bad(std::to_string(limit.soft), "at most the hard limit " + std::to_string(limit.hard));
    if (std::any_of(limits.begin(), limits.end(),
                    [&](const auto& other) { return other.resource == limit.resource; })) {
      each["type"].bad("\"" + type + "\" twice", "each resource once");
    }
    limits.push_back(limit);
  }
}

std::uint64_t read_set(const Node& set, ReadContext& context) {
  std::uint64_t mask = 0;
  // In a user namespace of its own the first process has all capabilities, whatever the caller holds.
  const auto& namespaces = context.config.launch.namespaces;
  const bool in_user_namespace = std::any_of(namespaces.begin(), namespaces.end(),
                                             [](const auto& use) { return use.kind == process::NamespaceKind::user; });
  for (const auto& name : set.texts()) {
    const auto bit = name == "ALL" ? std::nullopt : process::capability_mask(name);
    if (!bit) {
      // The specification demands a warning here, not an error.
      context.config.warnings.push_back(set.path() + ": \"" + name + "\" is not a capability known here; left out");
      continue;
    }
    if (!in_user_namespace && (*bit & context.surroundings.capabilities) == 0) {
      context.config.warnings.push_back(set.path() + ": " + name + " is not held by the caller; left out");
      continue;
    }
    mask |= *bit;
  }
  return mask;
}

void read_identity(const Node& node, ReadContext& context) {
  auto& identity = context.config.launch.identity;
  const Node user = node["user"];
  identity.uid = user["uid"].u32();
  identity.gid = user["gid"].u32();
  if (identity.uid == kNobody) user["uid"].bad(std::to_string(kNobody), "a user id below it");
  if (identity.gid == kNobody) user["gid"].bad(std::to_string(kNobody), "a group id below it");
  identity.umask = static_cast<std::uint32_t>(user["umask"].integer(kUsualUmask, 0, 0777));
  for (const auto& gid : user["additionalGids"].items()) identity.additional_gids.push_back(gid.u32());
  identity.no_new_privileges = node["noNewPrivileges"].boolean();
  const Node sets = node["capabilities"];
  auto& capabilities = identity.capabilities;
  capabilities.bounding = read_set(sets["bounding"], context);
  capabilities.effective = read_set(sets["effective"], context);
  capabilities.permitted = read_set(sets["permitted"], context);
  capabilities.inheritable = read_set(sets["inheritable"], context);
  capabilities.ambient = read_set(sets["ambient"], context);
  if ((capabilities.effective & ~capabilities.permitted) != 0) {
    sets["effective"].bad("a capability that is not permitted", "a part of the permitted set");
  }
  // The kernel raises an ambient capability only when it is permitted and inheritable.
  capabilities.ambient &= capabilities.permitted & capabilities.inheritable;
  read_rlimits(node["rlimits"], identity.rlimits);
}

void read_terminal(const Node& process, process::LaunchSpec& launch) {
  const Node size = process["consoleSize"];
  const process::TerminalSpec terminal{static_cast<std::uint16_t>(size["height"].integer(0, 0, UINT16_MAX)),
                                       static_cast<std::uint16_t>(size["width"].integer(0, 0, UINT16_MAX))};
  if (process["terminal"].boolean()) launch.terminal = terminal;
}

void read_labels(const Node& process, ReadContext& context) {
  const Node apparmor = process["apparmorProfile"];
  const std::string profile = apparmor.text();
  if (!profile.empty() && !context.surroundings.apparmor && profile != "unconfined")
    apparmor.refuse("this kernel has no AppArmor; leave the field out");
  if (context.surroundings.apparmor) context.config.launch.identity.apparmor_profile = profile;
  const Node selinux = process["selinuxLabel"];
  if (selinux.asks()) selinux.refuse("SELinux labels cannot be set; leave the field out");
}

// A later variable of the same name replaces the earlier one: programs differ in which of two they see. A client's list
// may be long.
std::vector<std::string> read_env(const Node& node) {
  std::vector<std::string> env;
  std::unordered_map<std::string, std::size_t> places;
  for (auto& each : node.texts()) {
    const auto end = each.find('=');
    if (end == std::string::npos || end == 0) node.bad("\"" + each + "\"", "NAME=value");
    const auto [at, fresh] = places.emplace(each.substr(0, end), env.size());
    if (fresh) {
      env.push_back(std::move(each));
    } else {
      env[at->second] = std::move(each);
    }
  }
  return env;
}

}  // namespace

void read_process_part(const Node& process, ReadContext& context) {
  auto& launch = context.config.launch;
  if (!process.present()) {
    process.bad("nothing", "an object");
    return;
  }
  launch.args = process["args"].texts();
  if (launch.args.empty() || launch.args.front().empty()) process["args"].bad("no command", "at least one word");
  launch.env = read_env(process["env"]);
  launch.cwd = process["cwd"].text();
  if (launch.cwd.empty() || launch.cwd.front() != '/') process["cwd"].bad("\"" + launch.cwd + "\"", "an absolute path");
  if (const Node adjust = process["oomScoreAdj"]; adjust.present()) {
    launch.oom_score_adj = static_cast<int>(adjust.integer(0, -1000, 1000));
  }
  read_identity(process, context);
  read_terminal(process, launch);
  read_tuning(process, launch.tuning);
  read_labels(process, context);
}

}  // namespace mete::runtime::oci
