// SPDX-License-Identifier: Apache-2.0
// Groups on the real kernel, and processes that sleep, spin or use memory in them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include "runtime/cgroup/limits/limits.h"
#include "tests/support/test_group.h"

namespace mete::test {

class ROOT_Cgroup : public RootCgroupTest {
 protected:
  // The same machine as if cgroup2 were not mounted, for what only v1 does.
  [[nodiscard]] runtime::cgroup::Hierarchies without_v2() const {
    auto v1 = hierarchies_;
    v1.mode = runtime::cgroup::Mode::kV1;
    v1.v2_mount.clear();
    v1.v2_controllers.clear();
    return v1;
  }
};

[[noreturn]] inline void sleep_forever() {
  while (true) ::pause();
}

[[noreturn]] inline void spin_forever() {
  volatile unsigned turn = 0;
  while (true) turn = turn + 1;
}

inline void touch(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (std::size_t at = 0; at < bytes; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
}

inline runtime::cgroup::Limits some_limits() {
  using runtime::cgroup::Limit;
  using std::chrono::microseconds;
  runtime::cgroup::Limits limits;
  limits.cpu_shares = 512;
  limits.cpu_bandwidth = runtime::cgroup::CpuBandwidth{microseconds(50'000), microseconds(100'000)};
  limits.cpu_burst = microseconds(20'000);
  limits.memory = Limit<Bytes>(Bytes(104'960'001));  // not whole pages: the kernel rounds
  limits.swap = Limit<Bytes>(Bytes(0));
  limits.pids = Limit<std::uint64_t>(77);
  limits.cpuset_cpus = "0";
  return limits;
}

}  // namespace mete::test
