// SPDX-License-Identifier: Apache-2.0
// Settings of OCI's config.json for which Limits has no field, because only one version has them or the two count
// differently. Each is one line of text in one file.
#pragma once

#include <string_view>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

struct SingleSetting {
  std::string_view controller;  // as on v1: "blkio" is "io" on v2
  std::string_view v1_file;     // empty: v1 has nothing like it
  std::string_view v2_file;     // empty: v2 has nothing like it
};

inline constexpr SingleSetting kSwappiness{"memory", "memory.swappiness", ""};       // 0 to 100
inline constexpr SingleSetting kIoWeight{"blkio", "blkio.bfq.weight", "io.weight"};  // v2: "default NUMBER"
inline constexpr SingleSetting kIoWeightOfDisk{"blkio", "blkio.bfq.weight_device", "io.weight"};  // "8:0 NUMBER"
// The scheduler's own on both, "8:0 NUMBER" and "8:0 default"; v2's io.weight is that of io.cost.
inline constexpr SingleSetting kIoWeightOfBfq{"blkio", "blkio.bfq.weight_device", "io.bfq.weight"};
// v1: "8:0 NUMBER", 0 for no limit. v2: "8:0 KEY=NUMBER", KEY being rbps and so on, max for no limit.
inline constexpr SingleSetting kReadBps{"blkio", "blkio.throttle.read_bps_device", "io.max"};
inline constexpr SingleSetting kWriteBps{"blkio", "blkio.throttle.write_bps_device", "io.max"};
inline constexpr SingleSetting kReadIops{"blkio", "blkio.throttle.read_iops_device", "io.max"};
inline constexpr SingleSetting kWriteIops{"blkio", "blkio.throttle.write_iops_device", "io.max"};
inline constexpr SingleSetting kNetClassId{"net_cls", "net_cls.classid", ""};
inline constexpr SingleSetting kNetPriority{"net_prio", "net_prio.ifpriomap", ""};  // "INTERFACE NUMBER"
inline constexpr SingleSetting kRdma{"rdma", "rdma.max", "rdma.max"};               // "DEVICE KEY=NUMBER ..."

// The write for the version that the controller is on. An error: this machine has no controller for the setting.
[[nodiscard]] Result<ControlWrite> single_write(const Hierarchies& machine, const SingleSetting& setting,
                                                std::string_view v1_text, std::string_view v2_text);

}  // namespace mete::runtime::cgroup
