// SPDX-License-Identifier: Apache-2.0
// Texts of the kernel that the runtime reads: mountinfo, /proc/PID/cgroup, /proc/PID/stat, control files. Whatever the
// bytes, no crash.
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/text.h"
#include "runtime/process/process_id.h"
#include "runtime/process/signals.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::runtime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto half = text.substr(0, text.find('\0'));
  const auto rest = half.size() < text.size() ? text.substr(half.size() + 1) : std::string_view();
  if (const auto found = cgroup::parse_hierarchies(half, rest)) {
    (void)found->v1_process_mounts();
    (void)found->mount_of("memory");
  }
  (void)cgroup::v2_mount_point(text);
  (void)cgroup::unescape_mountinfo(text);
  (void)cgroup::parse_memberships(text);
  (void)process::parse_start_time(text);
  (void)process::signal_number(text);
  (void)cgroup::value_of(text, "key");
  for (const char* const file : {"cpuset.cpus", "memory.max", "io.max"}) (void)cgroup::same_setting(file, half, rest);
  return 0;
}
