// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/cdi_edits.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/values/names.h"
#include "runtime/process/host_device.h"

namespace mete::runtime::pod {
namespace {

enum class Effect : std::uint8_t { kSet, kClear, kBind, kRecursiveBind, kPropagation, kNothing };

struct BindOption {
  std::string_view name;
  Effect effect;
  std::uint64_t bits = 0;
};
constexpr auto kBindOptions = std::to_array<BindOption>({
    {"bind", Effect::kBind},
    {"defaults", Effect::kNothing},
    {"dev", Effect::kClear, MOUNT_ATTR_NODEV},
    {"exec", Effect::kClear, MOUNT_ATTR_NOEXEC},
    {"noatime", Effect::kSet, MOUNT_ATTR_NOATIME},
    {"nodev", Effect::kSet, MOUNT_ATTR_NODEV},
    {"noexec", Effect::kSet, MOUNT_ATTR_NOEXEC},
    {"nosuid", Effect::kSet, MOUNT_ATTR_NOSUID},
    {"private", Effect::kPropagation, 0},
    {"rbind", Effect::kRecursiveBind},
    {"relatime", Effect::kNothing},
    {"ro", Effect::kSet, MOUNT_ATTR_RDONLY},
    {"rprivate", Effect::kPropagation, 0},
    {"rshared", Effect::kPropagation, MS_SHARED | MS_REC},
    {"rslave", Effect::kPropagation, MS_SLAVE | MS_REC},
    {"rw", Effect::kClear, MOUNT_ATTR_RDONLY},
    {"shared", Effect::kPropagation, MS_SHARED},
    {"slave", Effect::kPropagation, MS_SLAVE},
    {"suid", Effect::kClear, MOUNT_ATTR_NOSUID},
});

Result<process::MountSpec> mount_of(const config::CdiMount& from) {
  const std::string place = from.file + ": mount " + from.container_path;
  process::MountSpec mount{.destination = config::normal_path(from.container_path),
                           .type = from.type.empty() ? "bind" : from.type,
                           .source = from.host_path};
  const bool is_bind = mount.type == "bind";
  if (!is_bind && mount.type != "tmpfs")
    return fail(place + ": found type \"" + mount.type + "\", expected bind or tmpfs");
  if (is_bind && !config::check_absolute_path(from.host_path))
    return fail(place + ": found hostPath \"" + from.host_path + "\", expected an absolute path without \"..\"");
  if (mount.destination == "/" || !config::check_mount_path(mount.destination))
    return fail(place + ": expected a path in the container other than its root");
  mount.recursive = is_bind;
  for (const auto& option : from.options) {
    const auto* const known = std::find_if(kBindOptions.begin(), kBindOptions.end(),
                                           [&](const BindOption& each) { return each.name == option; });
    if (known == kBindOptions.end()) {
      if (is_bind)
        return fail(place + ": found option \"" + option + "\", expected one of a bind such as ro or nosuid");
      mount.data += (mount.data.empty() ? "" : ",") + option;
      continue;
    }
    switch (known->effect) {
      case Effect::kSet:
        mount.attributes |= known->bits;
        break;
      case Effect::kClear:
        mount.attributes &= ~known->bits;
        break;
      case Effect::kBind:
        mount.recursive = false;
        break;
      case Effect::kRecursiveBind:
        mount.recursive = true;
        break;
      case Effect::kPropagation:
        mount.propagation = known->bits;
        break;
      case Effect::kNothing:
        break;
    }
  }
  return mount;
}

// A mount at the same place is replaced, and one below it stays on top of it.
void add_mount(process::MountSpec mount, std::vector<process::MountSpec>& mounts) {
  std::erase_if(mounts, [&](const auto& other) { return other.destination == mount.destination; });
  const auto is_below = [&](const auto& other) { return other.destination.starts_with(mount.destination + "/"); };
  mounts.insert(std::find_if(mounts.begin(), mounts.end(), is_below), std::move(mount));
}

void set_variable(const std::string& assignment, std::vector<std::string>& env) {
  const std::string name = assignment.substr(0, assignment.find('=') + 1);
  std::erase_if(env, [&](const std::string& each) { return each.starts_with(name); });
  env.push_back(assignment);
}

constexpr mode_t kModeBits = 07777;

}  // namespace

Result<std::vector<CdiNode>> find_cdi_nodes(const config::CdiEdits& edits) {
  std::vector<CdiNode> nodes;
  for (const auto& from : edits.nodes) {
    const std::string place = from.file + ": device " + from.path;
    const std::string inside = config::normal_path(from.path);
    if (!config::check_absolute_path(from.path) || !inside.starts_with("/dev/"))
      return fail(place + ": expected a path below /dev, as no device works elsewhere in a container");
    if (from.type == "p") return fail(place + ": found type \"p\", a pipe, expected a device");
    const std::string& on_host = from.host_path.empty() ? from.path : from.host_path;
    CdiNode node{.device = {.path = inside},
                 .access = from.access,
                 .own_uid = from.uid.has_value(),
                 .own_gid = from.gid.has_value()};
    if (from.type.empty() || !from.major || !from.minor) {
      auto found = process::host_device(on_host);
      if (!found) return fail_in(place, found.error());
      node.device = std::move(*found);
      node.device.path = inside;
      const char* const kind = S_ISBLK(node.device.type_and_mode) ? "b" : "c";
      if (!from.type.empty() && (from.type == "u" ? "c" : from.type) != kind)
        return fail(place + ": found a device of type \"" + kind + "\", expected \"" + from.type + "\"");
    } else {
      constexpr mode_t kUsual = 0666;
      node.device.type_and_mode = (from.type == "b" ? S_IFBLK : S_IFCHR) | kUsual;
    }
    if (from.major && from.minor)
      node.device.device = makedev(static_cast<unsigned>(*from.major), static_cast<unsigned>(*from.minor));
    if (from.mode) node.device.type_and_mode = (node.device.type_and_mode & S_IFMT) | (*from.mode & kModeBits);
    if (from.uid) node.device.uid = *from.uid;
    if (from.gid) node.device.gid = *from.gid;
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Status apply_cdi(const config::CdiEdits& edits, const std::vector<CdiNode>& nodes, bool own_users,
                 process::LaunchSpec& launch) {
  if (!edits.others.empty())
    return fail(edits.others.front() +
                ": found what mete does not do, expected env, deviceNodes, mounts, hooks and "
                "additionalGids alone");
  for (const auto& assignment : edits.env) set_variable(assignment, launch.env);
  for (const auto& each : edits.mounts) {
    METE_TRY(process::MountSpec mount, mount_of(each));
    add_mount(std::move(mount), launch.mounts);
  }
  auto& groups = launch.identity.additional_gids;
  for (const auto gid : edits.gids) {
    if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& from = edits.nodes.at(i);
    if (own_users && !from.host_path.empty() && from.host_path != from.path)
      return fail(from.file + ": device " + from.path + ": found hostPath " + from.host_path +
                  ", expected the same path with hostUsers: false");
    for (auto& device : launch.devices) {
      if (device.path != nodes[i].device.path) continue;
      if (!nodes[i].own_uid && launch.identity.uid != 0) device.uid = launch.identity.uid;
      if (!nodes[i].own_gid && launch.identity.gid != 0) device.gid = launch.identity.gid;
    }
  }
  return {};
}

Status check_no_hooks(const config::CdiEdits& edits) {
  if (edits.hooks.empty()) return {};
  const auto& hook = edits.hooks.front();
  return fail(hook.file + ": found the hook " + hook.path + " (" + hook.point +
              "), expected none: mete itself runs no hooks in pods; with a RuntimeClass whose handler is runc or crun "
              "they are run");
}

}  // namespace mete::runtime::pod
