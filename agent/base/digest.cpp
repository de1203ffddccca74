// SPDX-License-Identifier: Apache-2.0
#include "agent/base/digest.h"

#include <cstdint>
#include <cstdio>

#include "runtime/cgroup/limits/limit_writes.h"

namespace mete::agent {

std::string digest(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016lx", hash);
  return text;
}

std::string digest(const runtime::cgroup::Limits& limits, const runtime::cgroup::Hierarchies& hierarchies) {
  const auto writes = runtime::cgroup::plan_writes(limits, hierarchies);
  if (!writes) return {};  // these limits cannot be written either
  std::string text;
  for (const auto& write : *writes) text.append(write.file).append("=").append(write.text).append("\n");
  return digest(text);
}

}  // namespace mete::agent
