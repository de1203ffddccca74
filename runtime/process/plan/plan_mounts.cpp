// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include <algorithm>
#include <string_view>

#include "runtime/process/plan/plan_parts.h"

namespace mete::runtime::process {
namespace {

std::vector<std::string> split_options(std::string_view data) {
  std::vector<std::string> options;
  while (!data.empty()) {
    const auto comma = data.find(',');
    if (comma != 0) options.emplace_back(data.substr(0, comma));
    if (comma == std::string_view::npos) break;
    data.remove_prefix(comma + 1);
  }
  return options;
}

// /proc and /sys are what later operations mask and protect, by their names. An image whose /proc is a symbolic link
// could lead them elsewhere (CVE-2019-19921, CVE-2023-27561).
bool may_have_no_links(const MountSpec& mount) {
  const auto at = trimmed(mount.destination);
  return mount.type == "proc" || mount.type == "sysfs" || at == "/proc" || at == "/sys";
}

// The time at which a read-only tmpfs or /dev becomes read-only. Its content (other mounts, devices, the working
// directory) is made after it, so it is mounted writable, and becomes read-only `late`, when the content is there. A
// remount of it in the configuration takes the place of that step.
enum class ReadOnly : std::uint8_t { at_once, late, by_remount };

bool is_below(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

ReadOnly when_read_only(const std::vector<MountSpec>& mounts, std::size_t index) {
  const MountSpec& mount = mounts[index];
  const auto at = trimmed(mount.destination);
  if (((mount.attributes | mount.top_attributes) & MOUNT_ATTR_RDONLY) == 0 || mount.remount) return ReadOnly::at_once;
  if (mount.type != "tmpfs" && at != "/dev") return ReadOnly::at_once;
  const auto covers = [&](const MountSpec& later) {
    const auto where = trimmed(later.destination);
    return where == at || (!later.remount && is_below(at, where));
  };
  const auto next = std::find_if(mounts.begin() + static_cast<std::ptrdiff_t>(index) + 1, mounts.end(), covers);
  if (next == mounts.end()) return ReadOnly::late;
  // A late change would meet what is mounted on top, or nothing.
  return next->remount ? ReadOnly::by_remount : ReadOnly::at_once;
}

BindMount bind_of(const MountSpec& mount, bool in_user_namespace) {
  MountCopier copier = MountCopier::child;
  if (!mount.id_map.empty() || (mount.propagation & MS_SHARED) != 0) {
    copier = MountCopier::launcher;
  } else if (in_user_namespace && mount.sub_path.empty()) {
    copier = MountCopier::launcher_if_allowed;
  }
  return {.source = mount.source,
          .sub_path = mount.sub_path,
          .destination = mount.destination,
          .no_links = may_have_no_links(mount),
          .attributes = mount.attributes,
          .top_attributes = mount.top_attributes,
          .cleared = mount.cleared,
          .top_cleared = mount.top_cleared,
          .propagation = mount.propagation,
          .recursive = mount.recursive,
          .copier = copier,
          .id_map = mount.id_map};
}

}  // namespace

std::string_view trimmed(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

Status add_mounts(const LaunchSpec& spec, const std::vector<MountSpec>& mounts, std::vector<SetupOp>& ops,
                  std::vector<SetupOp>& late) {
  const bool in_user_namespace = joined_or_own(spec, NamespaceKind::user);
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    MountSpec mount = mounts[i];
    METE_CHECK(check_inside_path(mount.destination, "mount destination"));
    const ReadOnly when = when_read_only(mounts, i);
    if (when != ReadOnly::at_once) {
      mount.attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
      mount.top_attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
    }
    if (when == ReadOnly::late) late.push_back(ChangeMount{.path = mount.destination, .attributes = MOUNT_ATTR_RDONLY});
    if (mount.remount) {
      ops.push_back(ChangeMount{mount.destination, mount.attributes | mount.top_attributes,
                                mount.cleared | mount.top_cleared, mount.recursive});
    } else if (mount.type == "bind") {
      ops.push_back(bind_of(mount, in_user_namespace));
    } else {
      ops.push_back(MountFilesystem{.type = mount.type,
                                    .source = mount.source,
                                    .destination = mount.destination,
                                    .no_links = may_have_no_links(mount),
                                    .options = split_options(mount.data),
                                    .attributes = mount.attributes,
                                    .propagation = mount.propagation,
                                    .optional = mount.optional,
                                    .copy_up = mount.copy_up});
    }
  }
  return {};
}

}  // namespace mete::runtime::process
