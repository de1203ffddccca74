// SPDX-License-Identifier: Apache-2.0
// Which namespace a kernel setting (sysctl) belongs to. Header-only: mete-oci needs it, too.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace mete::config {

enum class SysctlSpace { kNone, kNetwork, kIpc, kUts };

// kNone: a setting of the whole machine. net/core/sysctl_net_core.c, ipc/ipc_sysctl.c, ipc/mq_sysctl.c,
// utsname_sysctl.c
[[nodiscard]] constexpr SysctlSpace sysctl_space(std::string_view name) {
  constexpr std::array<std::string_view, 8> kIpc = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                                    "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                                    "kernel.shmmni", "kernel.shm_rmid_forced"};
  if (name.starts_with("net.")) return SysctlSpace::kNetwork;
  if (name.starts_with("fs.mqueue.") || std::find(kIpc.begin(), kIpc.end(), name) != kIpc.end()) {
    return SysctlSpace::kIpc;
  }
  return name == "kernel.hostname" || name == "kernel.domainname" ? SysctlSpace::kUts : SysctlSpace::kNone;
}

// Letters, digits, '.', '_' and '-', and no empty part, so that no path can be made of it.
[[nodiscard]] constexpr bool is_plain_sysctl(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return std::all_of(name.begin(), name.end(), plain) && name.find("..") == std::string_view::npos;
}

}  // namespace mete::config
