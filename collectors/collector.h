// SPDX-License-Identifier: Apache-2.0
// What a collector is: a name and the kernel files it reads, each with the function that parses its text. To add one:
// collectors/foo.cpp with its parsers and its table, a line in builtin_collectors(), rows in metrics_foo.cpp, a test.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/sample.h"

namespace mete::collectors {

// major:minor -> name, from /proc/diskstats; read again when an unknown device turns up.
class DeviceNames {
 public:
  explicit DeviceNames(std::string proc = "/proc") : proc_(std::move(proc)) {}
  void name(std::vector<DeviceSample>& devices);

 private:
  struct Entry {
    std::uint32_t major, minor;
    ShortText<31> name;
  };
  void load();
  std::string proc_;
  std::vector<Entry> entries_;
};

// false: the text is not what this file should hold. Keys that are missing stay as they were, unknown ones are ignored.
using Parser = bool (*)(std::string_view text, Sample& into);

enum class Where : std::uint8_t {
  kV1,
  kV2,
  kUnified
};  // kUnified: any cgroup2 directory, also a twin without controllers
enum class When : std::uint8_t { kEachPass, kSetting };
enum class Wanted : std::uint8_t { kAlways, kPerCpu, kProcesses };

struct SourceFile {
  Where where;
  std::string_view controller;  // "memory"; empty with kUnified
  std::string_view file;        // "memory.stat"
  Parser parse;
  When when = When::kEachPass;
  Wanted wanted = Wanted::kAlways;
};

struct Collector {
  std::string_view name;  // the `collector` label
  std::span<const SourceFile> files;
};

[[nodiscard]] std::span<const SourceFile> cpu_files();
[[nodiscard]] std::span<const SourceFile> cpuacct_files();
[[nodiscard]] std::span<const SourceFile> memory_files();
[[nodiscard]] std::span<const SourceFile> pids_files();
[[nodiscard]] std::span<const SourceFile> io_files();
[[nodiscard]] std::span<const SourceFile> pressure_files();

// The text of /proc/PID/net/dev. Not of a cgroup, so no SourceFile: see CgroupSampler::watch_network. Loopback and the
// host's ends of containers' links (veth*, docker*) are left out, as cAdvisor does.
[[nodiscard]] bool parse_net_dev(std::string_view text, Sample& into);

// The explicit table of all of them, in reading order.
[[nodiscard]] std::span<const Collector> builtin_collectors();

}  // namespace mete::collectors
