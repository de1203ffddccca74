// SPDX-License-Identifier: Apache-2.0
// Settings that Limits has no field for, since only one version has them or the two count differently: each is one line
// of text in one file. They are what config.json of OCI names beyond Limits.
#pragma once

#include <string_view>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

struct SingleSetting {
  std::string_view controller;  // as on v1: "blkio" is "io" on v2
  std::string_view v1_file;     // empty: v1 has nothing like it
  std::string_view v2_file;     // empty: v2 has nothing like it
};

inline constexpr SingleSetting kSwappiness{"memory", "memory.swappiness", ""};       // 0 to 100
inline constexpr SingleSetting kRealTimePeriod{"cpu", "cpu.rt_period_us", ""};       // microseconds
inline constexpr SingleSetting kRealTimeRuntime{"cpu", "cpu.rt_runtime_us", ""};     // at most the period
inline constexpr SingleSetting kIoWeight{"blkio", "blkio.bfq.weight", "io.weight"};  // v2: "default NUMBER"
inline constexpr SingleSetting kIoWeightOfDisk{"blkio", "blkio.bfq.weight_device", "io.weight"};  // "8:0 NUMBER"
inline constexpr SingleSetting kNetClass{"net_cls", "net_cls.classid", ""};
inline constexpr SingleSetting kNetPriority{"net_prio", "net_prio.ifpriomap", ""};  // "INTERFACE NUMBER"
inline constexpr SingleSetting kRdma{"rdma", "rdma.max", "rdma.max"};               // "DEVICE KEY=NUMBER ..."

// Writes the text of the version that has the controller here. The error of a setting that this machine has no
// controller for says so.
[[nodiscard]] Status write_single(const Group& group, const SingleSetting& setting, std::string_view v1_text,
                                  std::string_view v2_text);

}  // namespace mete::runtime::cgroup
