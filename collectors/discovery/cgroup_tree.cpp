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

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<std::string> watched_mounts(const runtime::cgroup::Hierarchies& hierarchies) {
  std::vector<std::string> mounts;
  for (const char* controller : {"memory", "cpuacct", "cpu"}) {
    const auto found = hierarchies.v1.find(controller);
    if (found == hierarchies.v1.end() || mounts.size() == 2) continue;
    if (std::find(mounts.begin(), mounts.end(), found->second) == mounts.end()) mounts.push_back(found->second);
  }
  if (mounts.empty() && !hierarchies.v2_mount.empty()) mounts.push_back(hierarchies.v2_mount);
  if (mounts.empty()) mounts = hierarchies.v1_mounts();
  if (mounts.size() > 2) mounts.resize(2);
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

CgroupNode& CgroupTree::add(std::uint8_t root, const std::string& path, std::uint64_t inode,
                            system_clock::time_point created, Changes& changes) {
  const auto bit = static_cast<std::uint8_t>(1U << root);
  auto [found, is_new] = nodes_.try_emplace(path);
  CgroupNode& node = found->second;
  const bool first = node.in == 0 || (node.in & (bit - 1U)) == 0;  // no earlier hierarchy gives the id
  if (!is_new && (node.in & bit) != 0 && first && node.id != inode) {
    changes.removed.push_back(path);  // made again while nobody looked
    is_new = true;
    for (const int watch : node.watches) drop_watch(watch);
    node = CgroupNode();
  }
  if (first) node.id = inode;
  node.in |= bit;
  if (!is_new) return node;
  node.created = created;
  changes.added.push_back(path);
  return node;
}

// The kernel keeps the watch of a removed kernfs directory, and the directory with it: it has to be told.
void CgroupTree::drop_watch(int watch) {
  if (watch < 0 || watches_.erase(watch) == 0) return;
  (void)::inotify_rm_watch(inotify_.get(), watch);
}

void CgroupTree::remove(std::uint8_t root, const std::string& path, Changes& changes) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return;
  found->second.in &= static_cast<std::uint8_t>(~(1U << root));
  drop_watch(std::exchange(found->second.watches.at(root), -1));
  if (found->second.in != 0) return;
  nodes_.erase(found);
  changes.removed.push_back(path);
}

// Watches before it reads: what is made in between is in both. A directory that vanishes meanwhile is left out.
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
  const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(directory.c_str()));
  struct stat status {};
  if (!stream || ::fstat(::dirfd(stream.get()), &status) != 0) return drop_watch(watch);
  const auto created = new_now ? system_clock::now() : time_of(status.st_mtim);
  int& kept = add(root, path, status.st_ino, created, changes).watches.at(root);
  if (kept != watch) drop_watch(kept);
  kept = watch;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') scan(root, child_of(path, entry->d_name), new_now, changes);
  }
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
  if ((mask & IN_DELETE) != 0) remove(root, path, changes);
  if ((mask & IN_CREATE) != 0) scan(root, path, true, changes);
}

CgroupTree::Changes CgroupTree::read_events() {
  Changes changes;
  alignas(inotify_event) std::array<char, 65'536> buffer;
  while (true) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return changes;
    for (ssize_t at = 0; at < got;) {
      const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        changes.rescanned = true;
      } else {
        handle(event->wd, event->mask, event->len > 0 ? event->name : "", changes);
      }
    }
    if (!changes.rescanned) continue;
    Changes more = rescan();
    changes.added.insert(changes.added.end(), more.added.begin(), more.added.end());
    changes.removed.insert(changes.removed.end(), more.removed.begin(), more.removed.end());
  }
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
    if (!same) changes.added.push_back(path);
    if (!same && old != before.end()) changes.removed.push_back(path);
  }
  for (const auto& [path, node] : before) {
    if (!nodes_.contains(path)) changes.removed.push_back(path);
  }
  // Watches of directories that went without a word.
  std::vector<int> lost;
  for (const auto& [watch, of] : watches_) {
    const auto node = nodes_.find(of.path);
    if (node == nodes_.end() || node->second.watches.at(of.root) != watch) lost.push_back(watch);
  }
  for (const int watch : lost) drop_watch(watch);
  return changes;
}

}  // namespace mete::collectors
