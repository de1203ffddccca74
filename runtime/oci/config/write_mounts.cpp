// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include <algorithm>

#include "runtime/oci/config/write_parts.h"

namespace mete::runtime::oci {
namespace {

using nlohmann::json;

struct Attribute {
  std::uint64_t bit;
  const char* name;
  const char* cleared;
};
constexpr Attribute kAttributes[] = {{MOUNT_ATTR_RDONLY, "ro", "rw"},
                                     {MOUNT_ATTR_NOSUID, "nosuid", "suid"},
                                     {MOUNT_ATTR_NODEV, "nodev", "dev"},
                                     {MOUNT_ATTR_NOEXEC, "noexec", "exec"},
                                     {MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime"}};

void put_attributes(std::uint64_t set, std::uint64_t cleared, bool recursive, json& options) {
  const std::string prefix = recursive ? "r" : "";
  for (const auto& each : kAttributes) {
    if ((set & each.bit) != 0) options.push_back(prefix + each.name);
    if ((cleared & each.bit) != 0) options.push_back(prefix + each.cleared);
  }
  // Values of one field, not bits.
  const std::uint64_t time = set & MOUNT_ATTR__ATIME;
  if (time == MOUNT_ATTR_NOATIME) options.push_back(prefix + "noatime");
  if (time == MOUNT_ATTR_STRICTATIME) options.push_back(prefix + "strictatime");
}

const char* propagation_name(std::uint64_t propagation) {
  const bool all = (propagation & MS_REC) != 0;
  if ((propagation & MS_SLAVE) != 0) return all ? "rslave" : "slave";
  if ((propagation & MS_UNBINDABLE) != 0) return all ? "runbindable" : "unbindable";
  return all ? "rprivate" : "private";
}

Status check_mount(const process::MountSpec& mount) {
  const auto refuse = [&](const char* what) {
    return fail("mount " + mount.destination + ": found " + what + ", expected none with another runtime");
  };
  if (!mount.id_map.empty()) return refuse("mapped owners");
  if (mount.copy_up) return refuse("a copy of what the image has there");
  if (mount.remount) return refuse("a change of a mount");
  if (!mount.sub_path.empty()) return refuse("a path below the source");
  // The runtime does not see the machine's own mounts, but copies that receive from them.
  if ((mount.propagation & MS_SHARED) != 0) return refuse("mountPropagation: Bidirectional");
  constexpr std::uint64_t kKnown = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                                   MOUNT_ATTR_NODIRATIME | MOUNT_ATTR__ATIME;
  const std::uint64_t all = mount.attributes | mount.top_attributes | mount.cleared | mount.top_cleared;
  return (all & ~kKnown) == 0 ? Status() : Status(refuse("an attribute that has no name"));
}

json mount_json(const process::MountSpec& mount) {
  json options = json::array();
  const bool bind = mount.type == "bind";
  if (bind) options.push_back(mount.recursive ? "rbind" : "bind");
  // The plain words first, for the topmost mount: a runtime that does not know those for all mounts (runc before 1.1)
  // keeps at least that one read-only.
  put_attributes(mount.attributes | mount.top_attributes, mount.top_cleared, false, options);
  if (bind && mount.recursive) put_attributes(mount.attributes, mount.cleared, true, options);
  if (bind && !mount.recursive) put_attributes(0, mount.cleared, false, options);
  if (mount.propagation != 0) options.push_back(propagation_name(mount.propagation));
  for (std::string_view rest = mount.data; !rest.empty();) {
    const auto comma = rest.find(',');
    if (comma != 0) options.push_back(std::string(rest.substr(0, comma)));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  json value = {{"destination", mount.destination}, {"type", mount.type}, {"source", mount.source}};
  if (!options.empty()) value["options"] = std::move(options);
  return value;
}

}  // namespace

Result<json> mounts_json(const process::LaunchSpec& spec) {
  json all = json::array();
  for (const auto& mount : spec.mounts) {
    METE_CHECK(check_mount(mount));
    all.push_back(mount_json(mount));
  }
  if (spec.cgroup_mounts.empty()) return all;
  // One mount in the place of all hierarchies: each runtime makes them of it, in the container's cgroup namespace.
  json options = json::array();
  put_attributes(spec.cgroup_mounts.back().attributes, 0, false, options);
  all.push_back({{"destination", "/sys/fs/cgroup"}, {"type", "cgroup"}, {"source", "cgroup"}, {"options", options}});
  return all;
}

}  // namespace mete::runtime::oci
