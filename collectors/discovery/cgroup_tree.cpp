// SPDX-License-Identifier: Apache-2.0
#include "collectors/discovery/cgroup_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

namespace mete::collectors {
namespace {

using std::chrono::system_clock;

// Moves count too: a v1 cgroup can be renamed.
constexpr std::uint32_t kAppears = IN_CREATE | IN_MOVED_TO;
constexpr std::uint32_t kVanishes = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t kEvents = kAppears | kVanishes | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<std::string> watched_mounts(const runtime::cgroup::Hierarchies& hierarchies) {
  std::vector<std::string> mounts;
  for (const char* controller : {"memory", "cpuacct", "cpu"}) {
    const auto found = hierarchies.v1.find(controller);
    if (found == hierarchies.v1.end()) continue;
    if (std::find(mounts.begin(), mounts.end(), found->second) == mounts.end()) mounts.push_back(found->second);
  }
  if (mounts.empty() && !hierarchies.v2_mount.empty()) mounts.push_back(hierarchies.v2_mount);
  if (mounts.empty()) mounts = hierarchies.v1_mounts();
  if (mounts.size() > kWatchedHierarchies) mounts.resize(kWatchedHierarchies);
  return mounts;
}

std::string directory_of(const std::string& mount, const std::string& path) {
  return path == "/" ? mount : mount + path;
}
std::string child_of(const std::string& path, const char* name) {
  return path == "/" ? std::string("/") + name : path + "/" + name;
}

system_clock::time_point time_of(const timespec& time) {
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
      std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

}  // namespace

Result<CgroupTree> CgroupTree::open(const runtime::cgroup::Hierarchies& hierarchies, std::vector<std::string> skip) {
  CgroupTree tree;
  tree.roots_ = watched_mounts(hierarchies);
  tree.skip_ = std::move(skip);
  tree.inotify_ = runtime::UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!tree.inotify_.valid()) return fail_errno("inotify for the cgroup tree");
  Changes ignored;
  for (std::size_t root = 0; root < tree.roots_.size(); ++root) {
    tree.scan(static_cast<std::uint8_t>(root), "/", false, ignored);
  }
  return tree;
}

CgroupNode& CgroupTree::add(std::uint8_t root, const std::string& path, const CgroupNode& found, Changes& changes) {
  const auto bit = static_cast<std::uint8_t>(1U << root);
  auto [at, is_new] = nodes_.try_emplace(path);
  CgroupNode& node = at->second;
  const bool gives_id = (node.in & (bit - 1U)) == 0;  // no earlier hierarchy has the group
  const bool made_again = !is_new && gives_id && node.id_from == root && node.id != found.id;
  if (made_again) {
    changes.removed.push_back(path);
    remove_below(root, path, changes);
  }
  node.in |= bit;
  if (gives_id) {
    node.id = found.id;
    node.id_from = root;
  }
  if (!is_new && !made_again) return node;
  node.created = found.created;
  node.seen_made = found.seen_made;
  changes.added.push_back(path);
  return node;
}

// The kernel keeps the watch of a removed kernfs directory, and with it the directory, until the watch is removed.
void CgroupTree::drop_watch(int watch) {
  if (watch < 0 || watches_.erase(watch) == 0) return;
  (void)::inotify_rm_watch(inotify_.get(), watch);
}

void CgroupTree::leave(std::uint8_t root, Nodes::iterator node, Changes& changes) {
  node->second.in &= static_cast<std::uint8_t>(~(1U << root));
  drop_watch(std::exchange(node->second.watches.at(root), -1));
  if (node->second.in != 0) return;
  changes.removed.push_back(node->first);
  nodes_.erase(node);
}

// Removes the groups below `path`: their own events may arrive after their watches were dropped.
void CgroupTree::remove_below(std::uint8_t root, const std::string& path, Changes& changes) {
  const std::string start = path + "/";
  for (auto node = nodes_.lower_bound(start); node != nodes_.end() && node->first.starts_with(start);) {
    leave(root, node++, changes);
  }
}

void CgroupTree::remove(std::uint8_t root, const std::string& path, Changes& changes) {
  remove_below(root, path, changes);
  if (const auto found = nodes_.find(path); found != nodes_.end()) leave(root, found, changes);
}

// Adds the watch before it reads the directory: a group made in between is found twice, and none is missed. A directory
// that is removed meanwhile is left out.
void CgroupTree::scan(std::uint8_t root, const std::string& path, bool new_now, Changes& changes) {
  if (std::find(skip_.begin(), skip_.end(), path) != skip_.end()) return;
  const std::string directory = directory_of(roots_[root], path);
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents);
  if (watch >= 0) {
    watches_.insert_or_assign(watch, Watch{path, root});
  } else if (errno == ENOENT || errno == ENOTDIR) {
    return;
  } else {
    complete_ = false;
  }
  std::vector<std::string> below;  // collected first, so that one descriptor is open however deep the groups are
  {
    const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(directory.c_str()));
    struct stat status {};
    if (!stream || ::fstat(::dirfd(stream.get()), &status) != 0) {
      complete_ = complete_ && errno == ENOENT;
      return drop_watch(watch);
    }
    CgroupNode found;
    found.id = status.st_ino;
    found.created = new_now ? system_clock::now() : time_of(status.st_mtim);
    found.seen_made = new_now;
    int& kept = add(root, path, found, changes).watches.at(root);
    if (kept != watch) drop_watch(kept);
    kept = watch;
    while (const dirent* entry = ::readdir(stream.get())) {
      if (entry->d_type == DT_DIR && entry->d_name[0] != '.') below.push_back(child_of(path, entry->d_name));
    }
  }
  for (const std::string& child : below) scan(root, child, new_now, changes);
}

void CgroupTree::handle(int watch, std::uint32_t mask, const char* name, Changes& changes) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  if ((mask & IN_IGNORED) != 0) {
    watches_.erase(found);
    return;
  }
  if ((mask & IN_ISDIR) == 0) return;
  const std::uint8_t root = found->second.root;
  const std::string path = child_of(found->second.path, name);
  if ((mask & kVanishes) != 0) remove(root, path, changes);
  if ((mask & kAppears) != 0) scan(root, path, true, changes);
}

CgroupTree::Changes CgroupTree::read_events() {
  constexpr int kMostReads = 16;  // 2,000 events or more each
  Changes changes;
  bool lost = false;
  alignas(inotify_event) std::array<char, 65'536> buffer;
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        lost = true;
      } else {
        handle(event->wd, event->mask, event->len > 0 ? event->name : "", changes);
      }
    }
  }
  if (!lost) return changes;
  // The scan finds whatever the events still queued would report.
  Changes more = rescan();
  changes.rescanned = true;
  changes.added.insert(changes.added.end(), more.added.begin(), more.added.end());
  changes.removed.insert(changes.removed.end(), more.removed.begin(), more.removed.end());
  return changes;
}

CgroupTree::Changes CgroupTree::rescan() {
  Changes changes;
  changes.rescanned = true;
  complete_ = true;
  Nodes before = std::exchange(nodes_, {});
  Changes all;
  for (std::size_t root = 0; root < roots_.size(); ++root) scan(static_cast<std::uint8_t>(root), "/", false, all);
  for (auto& [path, node] : nodes_) {
    const auto old = before.find(path);
    const bool same = old != before.end() && old->second.id == node.id;
    if (same) node.created = old->second.created;
    if (same) node.seen_made = old->second.seen_made;
    if (!same) changes.added.push_back(path);
    if (!same && old != before.end()) changes.removed.push_back(path);
  }
  for (const auto& [path, node] : before) {
    if (!nodes_.contains(path)) changes.removed.push_back(path);
  }
  // Removes the watches of directories whose removal inotify did not report.
  std::vector<int> lost;
  for (const auto& [watch, of] : watches_) {
    const auto node = nodes_.find(of.path);
    if (node == nodes_.end() || node->second.watches.at(of.root) != watch) lost.push_back(watch);
  }
  for (const int watch : lost) drop_watch(watch);
  return changes;
}

}  // namespace mete::collectors
