// SPDX-License-Identifier: Apache-2.0
// Names of the resource limits (getrlimit(2)), as in config.json and in errors.
#pragma once

#include <sys/resource.h>

#include <array>
#include <string_view>
#include <utility>

namespace mete::runtime::process {

inline constexpr std::array<std::pair<const char*, int>, 16> kResourceNames = {
    {{"RLIMIT_AS", RLIMIT_AS},
     {"RLIMIT_CORE", RLIMIT_CORE},
     {"RLIMIT_CPU", RLIMIT_CPU},
     {"RLIMIT_DATA", RLIMIT_DATA},
     {"RLIMIT_FSIZE", RLIMIT_FSIZE},
     {"RLIMIT_LOCKS", RLIMIT_LOCKS},
     {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
     {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
     {"RLIMIT_NICE", RLIMIT_NICE},
     {"RLIMIT_NOFILE", RLIMIT_NOFILE},
     {"RLIMIT_NPROC", RLIMIT_NPROC},
     {"RLIMIT_RSS", RLIMIT_RSS},
     {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
     {"RLIMIT_RTTIME", RLIMIT_RTTIME},
     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
     {"RLIMIT_STACK", RLIMIT_STACK}}};

// -1: no limit has this name.
constexpr int resource_number(std::string_view name) {
  for (const auto& [known, number] : kResourceNames) {
    if (name == known) return number;
  }
  return -1;
}

// Empty: no limit has this number.
constexpr const char* resource_name(int resource) {
  for (const auto& [name, number] : kResourceNames) {
    if (number == resource) return name;
  }
  return "";
}

}  // namespace mete::runtime::process
