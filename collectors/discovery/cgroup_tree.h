// SPDX-License-Identifier: Apache-2.0
// All cgroups of the machine, whether mete or others made them: one scan, then inotify, which reports a new cgroup at
// once. Covers the cgroup2 hierarchy on v2, and on v1 and hybrid the hierarchies that count memory and CPU time; a path
// is one node, whatever the number of hierarchies that have it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::collectors {

// At most this many hierarchies are watched: memory, cpuacct and cpu (people make groups by hand in the last one).
inline constexpr std::size_t kWatchedHierarchies = 3;

struct CgroupNode {
  // inode of its directory in the first hierarchy that has the group; a group made again has another one
  std::uint64_t id = 0;
  std::chrono::system_clock::time_point created{};  // when inotify reported the group, else the mtime of its directory
  bool seen_made = false;                           // `created` comes from inotify
  std::uint8_t in = 0;                              // bit i: the group exists in watched hierarchy i
  std::uint8_t id_from = 0;                         // the hierarchy that `id` was read from
  std::array<int, kWatchedHierarchies> watches = {-1, -1, -1};  // inotify watch descriptors, by hierarchy
};

class CgroupTree {
 public:
  using Nodes = std::map<std::string, CgroupNode>;  // by path, a parent before its children; "/" is the root
  struct Changes {
    std::vector<std::string> added, removed;  // a cgroup made again under its path is in both
    bool rescanned = false;                   // inotify lost events; the whole tree was read again
  };

  // `skip`: paths whose subtrees are left out. An error: inotify is not available.
  [[nodiscard]] static Result<CgroupTree> open(const runtime::cgroup::Hierarchies& hierarchies,
                                               std::vector<std::string> skip = {});

  [[nodiscard]] int fd() const { return inotify_.get(); }  // readable: call read_events()
  // Handles a bounded number of events, so that the call ends even when cgroups are made faster than they can be read.
  [[nodiscard]] Changes read_events();
  // Reads the whole tree again. Needed for cgroups made or removed through another mount (a container's own), which
  // inotify does not report, and when the machine has no inotify watches left.
  [[nodiscard]] Changes rescan();
  [[nodiscard]] const Nodes& nodes() const { return nodes_; }
  // False: the watches ran out (fs.inotify.max_user_watches); call rescan() more often.
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  static constexpr std::size_t kMostRoots = 2;
  struct Watch {
    std::string path;
    std::uint8_t root = 0;
  };
  CgroupTree() = default;
  void drop_watch(int watch);
  void scan(std::uint8_t root, const std::string& path, bool new_now, Changes& changes);
  CgroupNode& add(std::uint8_t root, const std::string& path, const CgroupNode& found, Changes& changes);
  void leave(std::uint8_t root, Nodes::iterator node, Changes& changes);
  void remove(std::uint8_t root, const std::string& path, Changes& changes);
  void remove_below(std::uint8_t root, const std::string& path, Changes& changes);
  void handle(int watch, std::uint32_t mask, const char* name, Changes& changes);

  runtime::UniqueFd inotify_;
  std::vector<std::string> roots_;  // mount points
  std::vector<std::string> skip_;
  std::unordered_map<int, Watch> watches_;
  Nodes nodes_;
  bool complete_ = true;
};

}  // namespace mete::collectors
