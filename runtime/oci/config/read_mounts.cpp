// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "runtime/oci/config/read_parts.h"

namespace mete::runtime::oci {
namespace {

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum class Kind : std::uint8_t {
  attribute,    // bits to set
  unattribute,  // bits to clear; of a bind also those that the mount at the source has
  recursive_attribute,
  recursive_unattribute,
  propagation,
  bind,
  rbind,
  remount,
  copy_up,
  id_map,      // bits: 1 when recursive
  superblock,  // a flag of the file system, given to it by name
  nothing,     // the default, or no effect here
};

struct Option {
  std::string_view name;
  Kind kind;
  std::uint64_t bits = 0;
};

constexpr auto kOptions = std::to_array<Option>({
    {"async", Kind::nothing},
    {"atime", Kind::unattribute, MOUNT_ATTR_NOATIME},
    {"bind", Kind::bind},
    {"defaults", Kind::nothing},
    {"dev", Kind::unattribute, MOUNT_ATTR_NODEV},
    {"diratime", Kind::unattribute, MOUNT_ATTR_NODIRATIME},
    {"dirsync", Kind::superblock},
    {"exec", Kind::unattribute, MOUNT_ATTR_NOEXEC},
    {"idmap", Kind::id_map},
    {"lazytime", Kind::superblock},
    {"loud", Kind::nothing},
    {"mand", Kind::nothing},  // the kernel dropped mandatory locks
    {"noatime", Kind::attribute, MOUNT_ATTR_NOATIME},
    {"nodev", Kind::attribute, MOUNT_ATTR_NODEV},
    {"nodiratime", Kind::attribute, MOUNT_ATTR_NODIRATIME},
    {"noexec", Kind::attribute, MOUNT_ATTR_NOEXEC},
    {"nolazytime", Kind::nothing},
    {"nomand", Kind::nothing},
    {"norelatime", Kind::nothing},
    {"nostrictatime", Kind::unattribute, MOUNT_ATTR_STRICTATIME},
    {"nosuid", Kind::attribute, MOUNT_ATTR_NOSUID},
    {"nosymfollow", Kind::attribute, MOUNT_ATTR_NOSYMFOLLOW},
    {"private", Kind::propagation, MS_PRIVATE},
    {"ratime", Kind::recursive_unattribute, MOUNT_ATTR_NOATIME},
    {"rbind", Kind::rbind},
    {"rdev", Kind::recursive_unattribute, MOUNT_ATTR_NODEV},
    {"rdiratime", Kind::recursive_unattribute, MOUNT_ATTR_NODIRATIME},
    {"relatime", Kind::unattribute, MOUNT_ATTR__ATIME},
    {"remount", Kind::remount},
    {"rexec", Kind::recursive_unattribute, MOUNT_ATTR_NOEXEC},
    {"ridmap", Kind::id_map, 1},
    {"rnoatime", Kind::recursive_attribute, MOUNT_ATTR_NOATIME},
    {"rnodev", Kind::recursive_attribute, MOUNT_ATTR_NODEV},
    {"rnodiratime", Kind::recursive_attribute, MOUNT_ATTR_NODIRATIME},
    {"rnoexec", Kind::recursive_attribute, MOUNT_ATTR_NOEXEC},
    {"rnorelatime", Kind::nothing},
    {"rnostrictatime", Kind::recursive_unattribute, MOUNT_ATTR_STRICTATIME},
    {"rnosuid", Kind::recursive_attribute, MOUNT_ATTR_NOSUID},
    {"rnosymfollow", Kind::recursive_attribute, MOUNT_ATTR_NOSYMFOLLOW},
    {"ro", Kind::attribute, MOUNT_ATTR_RDONLY},
    {"rprivate", Kind::propagation, MS_PRIVATE | MS_REC},
    {"rrelatime", Kind::recursive_unattribute, MOUNT_ATTR__ATIME},
    {"rro", Kind::recursive_attribute, MOUNT_ATTR_RDONLY},
    {"rrw", Kind::recursive_unattribute, MOUNT_ATTR_RDONLY},
    {"rshared", Kind::propagation, MS_SHARED | MS_REC},
    {"rslave", Kind::propagation, MS_SLAVE | MS_REC},
    {"rstrictatime", Kind::recursive_attribute, MOUNT_ATTR_STRICTATIME},
    {"rsuid", Kind::recursive_unattribute, MOUNT_ATTR_NOSUID},
    {"rsymfollow", Kind::recursive_unattribute, MOUNT_ATTR_NOSYMFOLLOW},
    {"runbindable", Kind::propagation, MS_UNBINDABLE | MS_REC},
    {"rw", Kind::unattribute, MOUNT_ATTR_RDONLY},
    {"shared", Kind::propagation, MS_SHARED},
    {"silent", Kind::nothing},
    {"slave", Kind::propagation, MS_SLAVE},
    {"strictatime", Kind::attribute, MOUNT_ATTR_STRICTATIME},
    {"suid", Kind::unattribute, MOUNT_ATTR_NOSUID},
    {"symfollow", Kind::unattribute, MOUNT_ATTR_NOSYMFOLLOW},
    {"sync", Kind::superblock},
    {"tmpcopyup", Kind::copy_up},
    {"unbindable", Kind::propagation, MS_UNBINDABLE},
});
static_assert(std::is_sorted(kOptions.begin(), kOptions.end(),
                             [](const Option& a, const Option& b) { return a.name < b.name; }));

// Attributes that the options of a mount name, and those whose absence they name. A later option wins.
struct Named {
  std::uint64_t set = 0;
  std::uint64_t cleared = 0;

  void read(std::uint64_t bits, bool on) {
    if (on) {
      // The access-time modes are values of one field.
      if ((bits & MOUNT_ATTR__ATIME) != 0) set &= ~std::uint64_t{MOUNT_ATTR__ATIME};
      set |= bits;
      cleared &= ~bits;
      return;
    }
    set &= ~bits;
    // "atime" and "nostrictatime" name no mode that the kernel could set instead of the source's, "relatime" does.
    constexpr std::uint64_t kModes = MOUNT_ATTR__ATIME;
    if ((bits & kModes) == 0 || bits == kModes) cleared |= bits;
  }
};

struct Parsed {
  process::MountSpec mount;
  Named top;
  Named recursive;
  bool id_mapped = false;
};

void read_option(const Node& options, const std::string& text, Parsed& parsed) {
  auto& mount = parsed.mount;
  const auto at = std::lower_bound(kOptions.begin(), kOptions.end(), text,
                                   [](const Option& option, const std::string& name) { return option.name < name; });
  if (at == kOptions.end() || at->name != text) {
    if (text == "copy-symlink") {
      options.refuse("\"copy-symlink\" cannot be done; leave it out");
    } else if (!text.starts_with("x-") && !text.starts_with("X-")) {
      if (!mount.data.empty()) mount.data += ',';
      mount.data += text;
    }
    return;
  }
  switch (at->kind) {
    case Kind::attribute:
    case Kind::unattribute:
      parsed.top.read(at->bits, at->kind == Kind::attribute);
      break;
    case Kind::recursive_attribute:
    case Kind::recursive_unattribute:
      parsed.recursive.read(at->bits, at->kind == Kind::recursive_attribute);
      break;
    case Kind::propagation:
      mount.propagation = at->bits;
      break;
    case Kind::bind:
    case Kind::rbind:
      mount.type = "bind";
      // ["rbind", "bind"] is recursive, too: each flag of mount(2) by itself.
      mount.recursive = mount.recursive || at->kind == Kind::rbind;
      break;
    case Kind::remount:
      mount.remount = true;
      break;
    case Kind::copy_up:
      mount.copy_up = true;
      break;
    case Kind::id_map:
      parsed.id_mapped = true;
      mount.id_map.recursive = at->bits != 0;
      break;
    case Kind::superblock:
      if (!mount.data.empty()) mount.data += ',';
      mount.data += text;
      break;
    case Kind::nothing:
      break;
  }
}

// Mounts the host's kind of hierarchies at the destination; the container's own cgroup namespace shows only its groups.
void add_cgroup_mounts(const process::MountSpec& asked, ReadContext& context) {
  constexpr std::string_view kUsual = "/sys/fs/cgroup";
  for (auto each : process::cgroup_mounts(context.surroundings.cgroup_view)) {
    each.destination.replace(0, kUsual.size(), asked.destination);
    const bool tmpfs = each.type == "tmpfs";
    each.attributes = tmpfs ? asked.attributes & ~std::uint64_t{MOUNT_ATTR_RDONLY} : asked.attributes;
    context.config.launch.cgroup_mounts.push_back(std::move(each));
  }
}

void finish(const Node& node, Parsed& parsed, ReadContext& context) {
  auto& mount = parsed.mount;
  mount.attributes = parsed.top.set;
  if (mount.remount) {
    mount.attributes |= parsed.recursive.set;
    mount.cleared = parsed.top.cleared | parsed.recursive.cleared;
    mount.recursive = mount.recursive || (parsed.recursive.set | parsed.recursive.cleared) != 0;
  } else if (mount.type == "bind") {
    if (mount.source.empty()) node["source"].bad("nothing", "the path of what is bound");
    if (!mount.source.empty() && mount.source.front() != '/')
      mount.source = context.surroundings.bundle + "/" + mount.source;
    // A bind has no file system options: the file system is mounted already.
    mount.data.clear();
    // ["dev", "rnodev"]: no mount of the tree is without what is asked for all of it, as with runc and crun.
    if ((parsed.recursive.set & MOUNT_ATTR__ATIME) != 0) parsed.top.cleared &= ~std::uint64_t{MOUNT_ATTR__ATIME};
    parsed.top.cleared &= ~parsed.recursive.set;
    mount.top_attributes = parsed.top.set;
    mount.top_cleared = parsed.top.cleared;
    mount.attributes = parsed.recursive.set;
    mount.cleared = parsed.recursive.cleared;
  } else {
    mount.attributes |= parsed.recursive.set;
    if (mount.type.empty()) node["type"].bad("nothing", "a file system type");
  }
  if (mount.type == "mqueue") mount.optional = true;
  if (mount.copy_up && mount.type != "tmpfs")
    node["options"].bad("tmpcopyup and the type " + mount.type, "it with a tmpfs");
  if (mount.type == "cgroup") {
    add_cgroup_mounts(mount, context);
  } else if (mount.type == "cgroup2") {
    context.config.launch.cgroup_mounts.push_back(std::move(mount));
  } else {
    context.config.launch.mounts.push_back(std::move(mount));
  }
}

// An id-mapped mount without mappings uses those of the container's user namespace.
void check_id_map(const Node& node, Parsed& parsed, const process::LaunchSpec& launch) {
  auto& map = parsed.mount.id_map;
  if (map.uids.empty() != map.gids.empty())
    node["uidMappings"].bad("mappings of users or of groups alone", "both, or none");
  if (map.uids.empty() && parsed.id_mapped) {
    for (const auto& use : launch.namespaces) {
      if (use.kind == process::NamespaceKind::user) map.user_namespace = use.path;
    }
  }
  if (map.empty() && parsed.id_mapped) {
    map.uids = launch.uid_mappings;
    map.gids = launch.gid_mappings;
    if (map.uids.empty())
      node["options"].bad("idmap without mappings",
                          "uidMappings and gidMappings of the mount, or a user namespace that has them");
  }
  if (!map.empty() && parsed.mount.type != "bind")
    node["type"].bad("mappings and the type " + parsed.mount.type, "them with a bind mount");
}

void add_dev(process::LaunchSpec& launch) {
  const auto is_dev = [](const process::MountSpec& mount) {
    return !mount.remount && mount.destination.find_last_not_of('/') == 3 && mount.destination.starts_with("/dev");
  };
  if (std::any_of(launch.mounts.begin(), launch.mounts.end(), is_dev)) return;
  // config-linux.md, "Default Devices": the links in /dev are made in every container, not in the image.
  launch.mounts.insert(launch.mounts.begin(), {.destination = "/dev",
                                               .type = "tmpfs",
                                               .source = "tmpfs",
                                               .data = "mode=755,size=65536k",
                                               .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME});
}

}  // namespace

void read_mounts_part(const Node& mounts, ReadContext& context) {
  for (const auto& node : mounts.items()) {
    Parsed parsed;
    parsed.mount.destination = node["destination"].text();
    // The specification demands an absolute path. runc and crun take a relative one as below "/", and clients rely on
    // that.
    if (!parsed.mount.destination.starts_with('/')) parsed.mount.destination = "/" + parsed.mount.destination;
    if (parsed.mount.destination == "/") node["destination"].bad("the root", "a path below it");
    parsed.mount.type = node["type"].text();
    parsed.mount.source = node["source"].text();
    const Node options = node["options"];
    for (const auto& option : options.texts()) read_option(options, option, parsed);
    read_mappings(node["uidMappings"], parsed.mount.id_map.uids);
    read_mappings(node["gidMappings"], parsed.mount.id_map.gids);
    check_id_map(node, parsed, context.config.launch);
    finish(node, parsed, context);
  }
  // Without a mount namespace nothing is mounted.
  const auto& namespaces = context.config.launch.namespaces;
  const bool mounts_here = std::any_of(namespaces.begin(), namespaces.end(),
                                       [](const auto& use) { return use.kind == process::NamespaceKind::mount; });
  if (mounts_here) add_dev(context.config.launch);
  const auto receives = [](const process::MountSpec& mount) {
    return (mount.propagation & (MS_SLAVE | MS_SHARED)) != 0;
  };
  auto& launch = context.config.launch;
  if (!std::any_of(launch.mounts.begin(), launch.mounts.end(), receives)) return;
  launch.receive_host_mounts = true;
  for (auto& mount : launch.mounts) {
    if (mount.propagation == 0) mount.propagation = MS_PRIVATE | MS_REC;
  }
}

std::vector<std::string> mount_option_names() {
  std::vector<std::string> names;
  for (const auto& option : kOptions) names.emplace_back(option.name);
  return names;
}

}  // namespace mete::runtime::oci
