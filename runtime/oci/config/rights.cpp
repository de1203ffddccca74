// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/rights.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::oci {

std::uint64_t own_capabilities() {
  struct __user_cap_header_struct header {};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  struct __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return ~0ULL;
  return data[0].permitted | static_cast<std::uint64_t>(data[1].permitted) << 32U;
}

bool is_rootless(const std::string& flag) {
  if (flag != "auto") return flag == "true";
  if (::geteuid() != 0) return true;
  // The initial namespace maps all ids onto themselves: "0 0 4294967295".
  const auto map = read_file(AT_FDCWD, "/proc/self/uid_map");
  if (!map) return false;
  std::string_view line = *map;
  (void)cgroup::next_word(line);
  (void)cgroup::next_word(line);
  return cgroup::next_word(line) != "4294967295";
}

std::string runtime_directory() {
  const char* const run = std::getenv("XDG_RUNTIME_DIR");
  return run != nullptr && *run == '/' ? run : "/run/user/" + std::to_string(::geteuid());
}

std::string default_root() {
  return ::geteuid() == 0 ? "/run/mete-oci" : runtime_directory() + "/mete-oci";
}

}  // namespace mete::runtime::oci
