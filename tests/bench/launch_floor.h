// SPDX-License-Identifier: Apache-2.0
// The least a container's start can cost: the system calls, and nothing else. No checks, no texts, no allocation worth
// the name; what it makes is what launch_bench's bundle asks the runtimes for.
#pragma once

#include <string>
#include <vector>

namespace mete::bench {

enum class Entry {
  procs,  // the parent writes cgroup.procs of every hierarchy, as the peers do
  tasks,  // v1: the child writes itself into "tasks"; cgroup2: clone3 into it (runtime/process/cgroup_entry.h)
};

struct Floor {
  std::string rootfs;
  std::vector<std::string> v1_groups;  // absolute directories, made and removed by each start
  std::string v2_group;                // empty: no cgroup2
  std::string cpuset_group;            // the one of v1_groups that needs CPUs and memory nodes; empty: none
  std::string cpus;
  std::string mems;
  std::vector<std::string> masked;
  std::vector<std::string> read_only;
};

// Makes, runs /bin/true in it, waits, removes. False: something failed, and was printed.
bool start_once(const Floor& floor, Entry entry);

}  // namespace mete::bench
