// SPDX-License-Identifier: Apache-2.0
// The machine's resources, from /proc, /sys and /etc.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/sample.h"
#include "config/base/result.h"

namespace mete::collectors {

// The facts that stay the same until hardware is plugged in or removed.
struct MachineParts {
  struct Thread {
    std::uint64_t node = 0, core = 0, thread = 0, siblings = 0;  // siblings: threads of its core
  };
  struct Cache {
    std::uint64_t node = 0;
    Count core;  // empty: shared by several cores
    std::uint64_t level = 0;
    std::string type;  // "Data", "Instruction", "Unified"
    Bytes size{};
  };
  struct HugePages {
    std::uint64_t page_kib = 0, count = 0;
  };
  struct Node {
    std::uint64_t id = 0;
    Size memory;                           // node*/meminfo MemTotal
    std::vector<HugePages> huge_pages;     // node*/hugepages
    std::vector<std::uint64_t> distances;  // to the nodes, in their order; node*/distance
  };
  struct Dimms {
    std::string type;  // "Unbuffered-DDR4"
    std::uint64_t count = 0;
    Bytes size{};
  };
  Count physical_cores, sockets, books, drawers;  // cpu*/topology; the last two on s390
  std::vector<Thread> threads;
  std::vector<Cache> caches;
  std::vector<Node> nodes;
  std::vector<Dimms> dimms;  // /sys/devices/system/edac: needs the machine's driver for memory errors
  // Each is empty where the system has none (a virtual machine may have no system_uuid, a container no machine_id).
  std::string machine_id, system_uuid, boot_id;
  std::string kernel_version, os_version;
};

struct Machine {
  Count cores;                                // online logical CPUs: the cpuN lines of /proc/stat
  Size memory;                                // MemTotal of /proc/meminfo
  Size swap;                                  // SwapTotal of /proc/meminfo
  std::shared_ptr<const MachineParts> parts;  // null: not read
  bool failed = false;                        // /proc could not be read
  bool containers_failed = false;             // a cgroup that exists could not be read
};

[[nodiscard]] Machine parse_machine(std::string_view stat, std::string_view meminfo);
[[nodiscard]] Result<Machine> read_machine(const std::string& proc = "/proc");

// Parses sizes in files of /sys: "32K", "1024K", "8M".
[[nodiscard]] Size parse_cache_size(std::string_view text);
// PRETTY_NAME in the text of /etc/os-release.
[[nodiscard]] std::string os_version_of(std::string_view os_release);
[[nodiscard]] MachineParts read_machine_parts(const std::string& proc, const std::string& sys, const std::string& etc);

// Reads the changing numbers in every call, and the parts once in ten minutes.
class MachineReader {
 public:
  MachineReader(std::string proc, std::string sys, std::string etc)
      : proc_(std::move(proc)), sys_(std::move(sys)), etc_(std::move(etc)) {}
  [[nodiscard]] Machine read();

 private:
  std::string proc_, sys_, etc_;
  std::shared_ptr<const MachineParts> parts_;
  std::chrono::steady_clock::time_point parts_at_{};
};

}  // namespace mete::collectors
