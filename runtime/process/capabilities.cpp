// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace mete::runtime::process {
namespace {

// In the order of <linux/capability.h>: the index is the bit.
constexpr std::array<std::string_view, 41> kNames = {"CHOWN",
                                                     "DAC_OVERRIDE",
                                                     "DAC_READ_SEARCH",
                                                     "FOWNER",
                                                     "FSETID",
                                                     "KILL",
                                                     "SETGID",
                                                     "SETUID",
                                                     "SETPCAP",
                                                     "LINUX_IMMUTABLE",
                                                     "NET_BIND_SERVICE",
                                                     "NET_BROADCAST",
                                                     "NET_ADMIN",
                                                     "NET_RAW",
                                                     "IPC_LOCK",
                                                     "IPC_OWNER",
                                                     "SYS_MODULE",
                                                     "SYS_RAWIO",
                                                     "SYS_CHROOT",
                                                     "SYS_PTRACE",
                                                     "SYS_PACCT",
                                                     "SYS_ADMIN",
                                                     "SYS_BOOT",
                                                     "SYS_NICE",
                                                     "SYS_RESOURCE",
                                                     "SYS_TIME",
                                                     "SYS_TTY_CONFIG",
                                                     "MKNOD",
                                                     "LEASE",
                                                     "AUDIT_WRITE",
                                                     "AUDIT_CONTROL",
                                                     "SETFCAP",
                                                     "MAC_OVERRIDE",
                                                     "MAC_ADMIN",
                                                     "SYSLOG",
                                                     "WAKE_ALARM",
                                                     "BLOCK_SUSPEND",
                                                     "AUDIT_READ",
                                                     "PERFMON",
                                                     "BPF",
                                                     "CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_SYS_ADMIN] == "SYS_ADMIN" && kNames[CAP_CHECKPOINT_RESTORE] == "CHECKPOINT_RESTORE");

constexpr std::uint64_t bit(unsigned capability) {
  return std::uint64_t{1} << capability;
}

}  // namespace

std::optional<std::uint64_t> capability_mask(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "ALL") return all_capabilities();
  std::string_view bare = upper;
  if (bare.starts_with("CAP_")) bare.remove_prefix(4);
  const auto at = std::find(kNames.begin(), kNames.end(), bare);
  if (at == kNames.end()) return std::nullopt;
  return bit(static_cast<unsigned>(at - kNames.begin()));
}

std::vector<std::string> capability_names(std::uint64_t mask) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < kNames.size(); ++i) {
    if ((mask & bit(i)) != 0) names.push_back("CAP_" + std::string(kNames[i]));
  }
  return names;
}

std::uint64_t all_capabilities() {
  return bit(kNames.size()) - 1;
}

Result<std::uint64_t> own_bounding_set() {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < kNames.size(); ++i) {
    const int held = ::prctl(PR_CAPBSET_READ, i, 0, 0, 0);
    if (held < 0 && errno != EINVAL) return fail_errno("read the capability bounding set");
    if (held > 0) mask |= bit(i);  // EINVAL: an older kernel without this capability
  }
  return mask;
}

std::uint64_t default_capabilities() {
  return bit(CAP_AUDIT_WRITE) | bit(CAP_MKNOD) | bit(CAP_NET_RAW) | bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) |
         bit(CAP_FOWNER) | bit(CAP_FSETID) | bit(CAP_KILL) | bit(CAP_NET_BIND_SERVICE) | bit(CAP_SETFCAP) |
         bit(CAP_SETGID) | bit(CAP_SETPCAP) | bit(CAP_SETUID) | bit(CAP_SYS_CHROOT);
}

}  // namespace mete::runtime::process
