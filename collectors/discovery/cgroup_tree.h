// SPDX-License-Identifier: Apache-2.0
// All cgroups of the machine, whoever made them: a scan, and inotify from then on, so that a new one is known at once.
// On v2 the cgroup2 hierarchy; on v1 and hybrid the hierarchies that count memory and CPU time, one node a path.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::collectors {

// So many hierarchies are watched at most: memory, cpuacct and cpu, which people make groups in by hand.
inline constexpr std::size_t kWatchedHierarchies = 3;

struct CgroupNode {
  std::uint64_t id = 0;  // inode of its directory in the first hierarchy that has it: made again, it is another one
  std::chrono::system_clock::time_point created{};  // when it was seen to be made, else its directory's mtime
  bool seen_made = false;                           // `created` is the former
  std::uint8_t in = 0;                              // bit i: it is in hierarchy i of those watched
  std::uint8_t id_from = 0;                         // the hierarchy that gave the id
  std::array<int, kWatchedHierarchies> watches = {-1, -1, -1};  // inotify's, by hierarchy
};

class CgroupTree {
 public:
  using Nodes = std::map<std::string, CgroupNode>;  // by path, a group before what is below it; "/" is the root
  struct Changes {
    std::vector<std::string> added, removed;  // a cgroup made again under its path is in both
    bool rescanned = false;                   // events were lost; everything was looked at again
  };

  // `skip`: paths whose subtrees are left out. Fails when inotify is not to be had at all.
  [[nodiscard]] static Result<CgroupTree> open(const runtime::cgroup::Hierarchies& hierarchies,
                                               std::vector<std::string> skip = {});

  [[nodiscard]] int fd() const { return inotify_.get(); }  // readable: call read_events()
  // At most so many events that it comes to an end while others make cgroups faster than they can be looked at.
  [[nodiscard]] Changes read_events();
  // Everything again: for cgroups made or removed through another mount (a container's own), of which inotify does not
  // tell, and when the machine has no inotify watches left.
  [[nodiscard]] Changes rescan();
  [[nodiscard]] const Nodes& nodes() const { return nodes_; }
  // False: watches ran out (fs.inotify.max_user_watches); rescan() more often.
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
