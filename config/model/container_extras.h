// SPDX-License-Identifier: Apache-2.0
// What a container of a docker client can ask for and a Pod's manifest cannot. Plain data; what is empty is as for a
// Pod.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/units.h"
#include "config/model/io_policy.h"

namespace mete::config {

// setrlimit(2). `name`: "nofile", as in RLIMIT_NOFILE.
struct ProcessBound {
  std::string name;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  bool operator==(const ProcessBound&) const = default;
};

// A tmpfs of the container's own. `options`: of mount(8), "size=1m,noexec".
struct TmpfsMount {
  std::string path;
  std::string options;
  bool operator==(const TmpfsMount&) const = default;
};

// Devices of the machine that it gets. `path`: one, or a directory of them.
struct DeviceWish {
  std::string path;
  std::string inside;          // where it is in the container, below /dev
  std::string access = "rwm";  // any of r(ead), w(rite), m(knod)
  bool operator==(const DeviceWish&) const = default;
};

// Devices that it may use, by their numbers, whoever makes the node.
struct DeviceRange {
  char type = 'c';                     // 'c', 'b' or 'a', which is both
  std::optional<std::uint32_t> major;  // empty: any
  std::optional<std::uint32_t> minor;
  std::string access = "rwm";
  bool operator==(const DeviceRange&) const = default;
};

// How its output is kept. What is empty is the agent's own.
struct LogWish {
  bool none = false;              // it is not
  std::optional<Bytes> max_size;  // of one file
  std::optional<unsigned> files;  // with the current one
  bool operator==(const LogWish&) const = default;
};

struct ContainerExtras {
  bool keeps_layer = false;               // what it has written is there after its next start
  std::optional<Bytes> layer_size;        // quota of what it writes
  bool prompt_restarts = false;           // started again by docker's times: 100 ms, doubling to a minute
  std::optional<unsigned> most_restarts;  // in a row, of restartPolicy OnFailure
  std::string user;                       // "app", "1000:staff": looked up in the image when it starts
  std::string domainname;
  bool machine_name = false;           // it has the machine's name, and its namespace of names
  std::vector<std::string> unset_env;  // names of the image's variables that it does not get
  std::vector<ProcessBound> bounds;
  std::vector<TmpfsMount> tmpfs;
  std::optional<Bytes> shm_size;
  std::optional<int> oom_score_adj;
  std::vector<DeviceWish> devices;
  std::vector<DeviceRange> device_ranges;
  std::vector<std::string> cdi_devices;  // "vendor.com/class=name", of the Container Device Interface
  LogWish log;
  // Of its cgroup. A policy's bound on processes and on swap counts before these.
  std::optional<std::uint64_t> cpu_shares;
  std::optional<std::chrono::microseconds> cpu_quota;  // per cpu_period
  std::chrono::microseconds cpu_period{100'000};
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::optional<std::uint64_t> pids;
  std::optional<Bytes> swap;  // beside the memory's limit; empty: none
  bool unlimited_swap = false;
  std::optional<Bytes> memory_soft;
  bool waits_out_of_memory = false;  // at its limit it is not killed. Limits::oom_kill_disable
  IoPolicy io;                       // a policy's bounds on the same disk count, too: the tighter one
  bool operator==(const ContainerExtras&) const = default;
};

}  // namespace mete::config
