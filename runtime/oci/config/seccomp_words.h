// SPDX-License-Identifier: Apache-2.0
// The words of seccomp profiles (config-linux.md, "Seccomp") and what they mean to the kernel and to the compiler.
#pragma once

#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "runtime/oci/config/seccomp_profile.h"

namespace mete::runtime::oci {

// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
inline constexpr std::uint32_t kWaitKillable = 1U << 5U;

// Of two names of one action the first is written.
inline constexpr std::array<std::pair<std::string_view, std::uint32_t>, 9> kSeccompActions = {
    {{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
     {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
     {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
     {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
     {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
     {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
     {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
     {"SCMP_ACT_LOG", SECCOMP_RET_LOG},
     {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF}}};

// Whether the action has a number with it, an errno or what a tracer is told.
constexpr bool has_data(std::uint32_t action) {
  return action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE;
}

inline constexpr std::array<std::pair<std::string_view, Compare>, 7> kSeccompOperators = {
    {{"SCMP_CMP_NE", Compare::not_equal},
     {"SCMP_CMP_LT", Compare::less},
     {"SCMP_CMP_LE", Compare::less_equal},
     {"SCMP_CMP_EQ", Compare::equal},
     {"SCMP_CMP_GE", Compare::greater_equal},
     {"SCMP_CMP_GT", Compare::greater},
     {"SCMP_CMP_MASKED_EQ", Compare::masked_equal}}};

// Without effect on a process with one thread: SECCOMP_FILTER_FLAG_TSYNC.
inline constexpr std::array<std::pair<std::string_view, std::uint32_t>, 4> kSeccompFlags = {
    {{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
     {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
     {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", kWaitKillable},
     {"SECCOMP_FILTER_FLAG_TSYNC", 0}}};

}  // namespace mete::runtime::oci
