// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/features.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "runtime/cgroup/memory/psi_trigger.h"
#include "runtime/process/capabilities.h"

namespace mete::runtime::cgroup {
namespace {

struct FileFeature {
  const char* name;
  const char* controller;  // "": of cgroup2 itself
  const char* file;
  bool v1;  // where the controller is on v1; else on v2
};

// Files of a group that is not the root.
constexpr FileFeature kFiles[] = {
    {"cgroup_kill", "", "cgroup.kill", false},                  // Linux 5.14
    {"cgroup_freeze", "", "cgroup.freeze", false},              // 5.2
    {"pressure", "", "memory.pressure", false},                 // PSI, 4.20
    {"memory_events", "memory", "memory.events", false},        // 4.5
    {"memory_reclaim", "memory", "memory.reclaim", false},      // 5.19
    {"memory_peak", "memory", "memory.peak", false},            // 5.19
    {"memory_oom_group", "memory", "memory.oom.group", false},  // 4.19
    {"memory_swap", "memory", "memory.swap.max", false},
    {"memory_thresholds", "memory", "cgroup.event_control", true},  // eventfds; 2.6.34, CONFIG_MEMCG_V1 since 6.11
    {"memory_oom_hold", "memory", "memory.oom_control", true},
    {"memory_swap", "memory", "memory.memsw.limit_in_bytes", true},
    {"cpu_burst", "cpu", "cpu.max.burst", false},  // 5.14
    {"cpu_burst", "cpu", "cpu.cfs_burst_us", true},
    {"cpu_idle", "cpu", "cpu.idle", false},  // 5.15
    {"cpu_idle", "cpu", "cpu.idle", true},
    {"cpuset", "cpuset", "cpuset.cpus", false},
    {"cpuset", "cpuset", "cpuset.cpus", true},
    {"io_limits", "io", "io.max", false},
    {"io_limits", "blkio", "blkio.throttle.read_bps_device", true},
    {"io_weight", "io", "io.weight", false},
    {"io_weight", "blkio", "blkio.bfq.weight", true},
    {"io_latency", "io", "io.latency", false},
    {"pids_events", "pids", "pids.events", false},  // 4.5
    {"pids_events", "pids", "pids.events", true},
    {"net_cls", "net_cls", "net_cls.classid", true},
};

// A write to it resets what this descriptor reads (Linux 6.12); before, it could not be opened for writing.
bool peak_resets(const Group& group) {
  const std::string directory = group.directory("memory");
  if (directory.empty()) return false;
  const UniqueFd peak(::open((directory + "/memory.peak").c_str(), O_RDWR | O_CLOEXEC));
  return peak.valid() && ::write(peak.get(), "reset\n", 6) == 6;
}

// linux/pidfd.h, which Debian 12's headers do not have yet: Linux 6.13, and 6.15 for the exit status.
struct PidfdInfo {
  std::uint64_t mask = 0, cgroup_id = 0;
  std::uint32_t ids[13] = {};
  std::int32_t exit_code = 0;
};
constexpr std::uint64_t kInfoExit = 1U << 3U;

// The exit status of a child that another part of the process has reaped.
bool pidfd_tells_exit() {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) ::_exit(0);
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  PidfdInfo info;
  info.mask = kInfoExit;
  return pidfd.valid() && ::ioctl(pidfd.get(), _IOWR(0xFF, 11, PidfdInfo), &info) == 0 && (info.mask & kInfoExit) != 0;
}

std::optional<std::chrono::milliseconds> shortest_window(const Group& group) {
  const std::string directory = group.unified_directory();
  for (const int window : {100, 500, 2000}) {
    const std::chrono::milliseconds length(window);
    if (!directory.empty() &&
        open_psi_trigger(directory + "/memory.pressure", {.full = false, .stall = length / 2, .window = length}))
      return length;
  }
  return std::nullopt;
}

}  // namespace

Features probe_features(const Group& group) {
  Features features;
  const auto& hierarchies = group.hierarchies();
  const auto set = [&](const std::string& name, bool there) {
    for (auto& each : features.list) {
      if (each.name != name) continue;
      each.there = each.there || there;
      return;
    }
    features.list.push_back({name, there});
  };
  for (const auto& each : kFiles) {
    const bool of_cgroup2 = *each.controller == '\0';
    const std::string directory = of_cgroup2 ? group.unified_directory() : group.directory(each.controller);
    const bool version = of_cgroup2 || hierarchies.on_v1(each.controller) == each.v1;
    set(each.name, version && !directory.empty() && ::access((directory + "/" + each.file).c_str(), F_OK) == 0);
  }
  set("memory_peak_reset", !hierarchies.on_v1("memory") && peak_resets(group));
  const auto capabilities = process::own_bounding_set();
  set("cap_sys_resource", capabilities && (*capabilities & process::capability_mask("SYS_RESOURCE").value_or(0)) != 0);
  set("pidfd_exit_status", pidfd_tells_exit());
  features.psi_window = shortest_window(group);
  return features;
}

}  // namespace mete::runtime::cgroup
