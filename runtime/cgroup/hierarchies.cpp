// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/hierarchies.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <set>
#include <utility>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

// The kernel's own list of v1 subsystems. The super options of a mount also hold "rw", "release_agent=..." and others,
// so what counts as a controller must be known. Order: in which a process is written to them; cpuset first, because it
// alone refuses a task (no CPUs, no memory nodes).
constexpr std::array<std::string_view, 14> kControllers = {"cpuset",   "memory", "cpu",     "cpuacct",    "pids",
                                                           "devices",  "blkio",  "hugetlb", "perf_event", "net_cls",
                                                           "net_prio", "rdma",   "misc",    "freezer"};

bool is_controller(std::string_view name) {
  return std::find(kControllers.begin(), kControllers.end(), name) != kControllers.end();
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

struct Mount {
  std::uint64_t id = 0;
  std::string_view escaped_root;
  std::string_view escaped_point;
  std::string root;
  std::string point;
  std::string_view type;
  std::string_view options;  // of the file system
};

// "36 35 98:0 /root /point rw,noatime shared:1 - cgroup cgroup rw,cpu,cpuacct": optional fields up to the lone "-". Or
// "36 /root /point 1 cpu,cpuacct", see append_short().
std::optional<Mount> parse_mount(std::string_view line) {
  Mount mount;
  const std::string_view id = next_word(line);
  (void)std::from_chars(id.data(), id.data() + id.size(), mount.id);
  mount.escaped_root = next_word(line);
  mount.escaped_point = next_word(line);
  std::string_view word = next_word(line);
  if (mount.escaped_point.starts_with('/')) {
    mount.type = word == "2" ? "cgroup2" : "cgroup";
  } else {
    mount.escaped_root = word;
    mount.escaped_point = next_word(line);
    while (!word.empty() && word != "-") word = next_word(line);
    mount.type = next_word(line);
    if (next_word(line).empty()) return std::nullopt;  // the source
  }
  mount.options = next_word(line);
  mount.root = unescape_mountinfo(mount.escaped_root);
  mount.point = unescape_mountinfo(mount.escaped_point);
  if (mount.type.empty() || mount.point.empty()) return std::nullopt;
  while (mount.point.size() > 1 && mount.point.back() == '/') mount.point.pop_back();
  return mount;
}

constexpr std::string_view kLocalEvents = "memory_localevents";

// What is asked of a cgroup's mount, as parse_mount() reads it. Short, because each command of mete-oci reads it.
void append_short(const Mount& mount, std::string& lines) {
  const bool v2 = mount.type == "cgroup2";
  lines.append(std::to_string(mount.id)).append(" ").append(mount.escaped_root).append(" ");
  lines.append(mount.escaped_point).append(v2 ? " 2 " : " 1 ");
  std::string_view separator = "";
  for (std::string_view rest = mount.options; !rest.empty();) {
    const std::string_view option = next_part(rest, ',');
    const bool asked = v2 ? option == kLocalEvents : is_controller(option) || option.starts_with("name=");
    if (asked) lines.append(std::exchange(separator, ",")).append(option);
  }
  lines.append("\n");
}

template <class Each>
void for_each_mount(std::string_view mountinfo, Each each) {
  while (!mountinfo.empty()) {
    if (const auto mount = parse_mount(next_line(mountinfo))) each(*mount);
  }
}

// Remembers for each key the first mount, or the first one whose root is the hierarchy's own.
class Chosen {
 public:
  void offer(const std::string& key, const Mount& mount) {
    const auto [at, is_new] = points_.try_emplace(key, mount.point);
    if (is_new) {
      if (mount.root == "/") whole_.insert(key);
    } else if (mount.root == "/" && whole_.insert(key).second) {
      at->second = mount.point;
    }
  }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& points() const { return points_; }

 private:
  std::map<std::string, std::string, std::less<>> points_;
  std::set<std::string> whole_;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) words.emplace_back(word);
  return words;
}

}  // namespace

std::string unescape_mountinfo(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::kV1:
      return "v1";
    case Mode::kV2:
      return "v2";
    case Mode::kHybrid:
      return "hybrid";
  }
  return "?";
}

bool Hierarchies::on_v2(std::string_view controller) const {
  return std::find(v2_controllers.begin(), v2_controllers.end(), controller) != v2_controllers.end();
}

std::string_view Hierarchies::mount_of(std::string_view controller) const {
  if (const auto found = v1.find(controller); found != v1.end()) return found->second;
  if (on_v2(controller)) return v2_mount;
  return {};
}

std::vector<std::string> Hierarchies::v1_mounts() const {
  std::vector<std::string> points;
  const auto add = [&](const std::string& point) {
    if (std::find(points.begin(), points.end(), point) == points.end()) points.push_back(point);
  };
  for (const std::string_view controller : kControllers) {
    if (const auto found = v1.find(controller); found != v1.end()) add(found->second);
  }
  for (const auto& [controller, point] : v1) add(point);
  return points;
}

std::vector<std::string> Hierarchies::v1_process_mounts() const {
  std::vector<std::string> points = v1_mounts();
  for (const auto& [name, point] : named) points.push_back(point);
  return points;
}

std::optional<std::string> v2_mount_point(std::string_view mountinfo) {
  Chosen chosen;
  for_each_mount(mountinfo, [&](const Mount& mount) {
    if (mount.type == "cgroup2") chosen.offer("", mount);
  });
  if (chosen.points().empty()) return std::nullopt;
  return chosen.points().begin()->second;
}

Result<Hierarchies> parse_hierarchies(std::string_view mountinfo, std::string_view v2_controllers) {
  Chosen v1;
  Chosen named;
  Hierarchies found;
  for_each_mount(mountinfo, [&](const Mount& mount) {
    if (mount.type == "cgroup" || mount.type == "cgroup2") append_short(mount, found.mounts);
    if (mount.type != "cgroup") return;
    for (std::string_view rest = mount.options; !rest.empty();) {
      const std::string_view option = next_part(rest, ',');
      if (is_controller(option)) v1.offer(std::string(option), mount);
      if (option.starts_with("name=")) named.offer(unescape_mountinfo(option.substr(5)), mount);
    }
  });
  found.v1 = v1.points();
  found.named = named.points();
  if (auto point = v2_mount_point(mountinfo)) {
    found.v2_mount = std::move(*point);
    found.v2_controllers = words_of(v2_controllers);
  }
  if (found.v1.empty() && found.v2_mount.empty()) {
    return fail("cgroups: found no cgroup or cgroup2 mount in mountinfo, expected at least one");
  }
  found.mode = found.v1.empty() ? Mode::kV2 : found.v2_mount.empty() ? Mode::kV1 : Mode::kHybrid;
  return found;
}

namespace {

Result<Hierarchies> with_controllers(const std::string& mountinfo, const std::string& files) {
  std::string controllers;
  if (const auto point = v2_mount_point(mountinfo)) {
    METE_TRY(controllers, read_file(AT_FDCWD, files + *point + "/cgroup.controllers"));
  }
  return parse_hierarchies(mountinfo, controllers);
}

bool is_still_there(const Mount& mount) {
  struct statx now {};
  return ::statx(AT_FDCWD, mount.point.c_str(), AT_NO_AUTOMOUNT, STATX_MNT_ID, &now) == 0 &&
         (now.stx_mask & STATX_MNT_ID) != 0 && now.stx_mnt_id == mount.id;
}

}  // namespace

Result<Hierarchies> find_hierarchies(const std::string& proc, const std::string& files) {
  METE_TRY(const std::string mountinfo, read_file(AT_FDCWD, proc + "/self/mountinfo"));
  METE_TRY(Hierarchies found, with_controllers(mountinfo, files));
  for (auto& [controller, point] : found.v1) point.insert(0, files);
  for (auto& [name, point] : found.named) point.insert(0, files);
  if (!found.v2_mount.empty()) found.v2_mount.insert(0, files);
  return found;
}

std::optional<Hierarchies> known_hierarchies(const std::string& mounts) {
  bool same = !mounts.empty();
  for_each_mount(mounts, [&](const Mount& mount) { same = same && is_still_there(mount); });
  if (!same) return std::nullopt;
  auto found = with_controllers(mounts, "");
  if (!found) return std::nullopt;
  return std::move(*found);
}

std::optional<Hierarchies> noted_hierarchies(const std::string& mounts) {
  auto found = parse_hierarchies(mounts, "");
  if (!found) return std::nullopt;
  if (!found->v2_mount.empty() && (!found->on_v1("memory") || !found->on_v1("pids"))) {
    const auto controllers = read_file(AT_FDCWD, found->v2_mount + "/cgroup.controllers");
    if (!controllers) return std::nullopt;
    found->v2_controllers = words_of(*controllers);
  }
  return std::move(*found);
}

std::vector<Membership> parse_memberships(std::string_view text) {
  constexpr std::string_view kDeleted = " (deleted)";
  std::vector<Membership> memberships;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    Membership membership;
    for (std::string_view names = line.substr(first + 1, second - first - 1); !names.empty();) {
      membership.controllers.emplace_back(next_part(names, ','));
    }
    std::string_view path = line.substr(second + 1);
    if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
    membership.path = path;
    memberships.push_back(std::move(membership));
  }
  return memberships;
}

}  // namespace mete::runtime::cgroup
