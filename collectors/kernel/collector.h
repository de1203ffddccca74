// SPDX-License-Identifier: Apache-2.0
// What a collector is: a name and the kernel files it reads, each with the function that parses its text. To add one:
// collectors/foo.cpp with its parsers and its table, a line in builtin_collectors(), rows in metrics_foo.cpp, a test.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/sample.h"

namespace mete::collectors {

// major:minor -> name, from /proc/diskstats; read again when an unknown device turns up.
class DeviceNames {
 public:
  explicit DeviceNames(std::string proc = "/proc") : proc_(std::move(proc)) {}
  void name(std::vector<DeviceSample>& devices);
  void name(std::vector<DeviceDetail>& devices);

 private:
  struct Entry {
    std::uint32_t major, minor;
    ShortText<31> name;
  };
  void load();
  const ShortText<31>& name_of(std::uint32_t major, std::uint32_t minor);
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
// kEachPass: always, and first: by these numbers QuietWatch tells whether the others can have moved.
// kWaiting: moves while tasks only wait, too: left out in a quiet group without tasks.
// kRunning: stands still while nothing runs in the group and its memory usage is the same: left out in a quiet group.
// kSetting: settings, and what few look at; read anew every CollectionOptions::settings_for.
enum class When : std::uint8_t { kEachPass, kWaiting, kRunning, kSetting };
// kBfq, kCfq: where a disk of the machine uses that scheduler.
enum class Wanted : std::uint8_t { kAlways, kBfq, kCfq };

struct SourceFile {
  Where where;
  std::string_view controller;  // "memory"; empty with kUnified
  std::string_view file;        // "memory.stat"
  Parser parse;
  When when = When::kEachPass;
  Wanted wanted = Wanted::kAlways;
};

// Its name is the one of Family::collector, of the `collector` label and of the lists that switch collectors on and
// off.
struct Collector {
  std::string_view name;
  std::span<const SourceFile> files;  // empty: it reads no file of a cgroup
  bool on = true;                     // without being asked for
  std::string_view cost = {};         // what it costs, when it is off
};

[[nodiscard]] std::span<const SourceFile> cpu_files();
[[nodiscard]] std::span<const SourceFile> cpuacct_files();
[[nodiscard]] std::span<const SourceFile> percpu_files();
[[nodiscard]] std::span<const SourceFile> cpuset_files();
[[nodiscard]] std::span<const SourceFile> memory_files();
[[nodiscard]] std::span<const SourceFile> numa_files();
[[nodiscard]] std::span<const SourceFile> hugetlb_files();
[[nodiscard]] std::span<const SourceFile> pids_files();
[[nodiscard]] std::span<const SourceFile> io_files();
[[nodiscard]] std::span<const SourceFile> pressure_files();
// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234": only the total, in microseconds, is a counter. False: there is
// none.
bool parse_pressure(std::string_view text, PressureSample& into);
[[nodiscard]] std::span<const SourceFile> group_files();

// "0-3,8": 5; empty when it is no such list.
[[nodiscard]] std::optional<std::uint64_t> count_of_list(std::string_view list);

// The text of /proc/PID/net/dev. Not of a cgroup, so no SourceFile: see CgroupSampler::watch_network. Loopback and the
// host's ends of containers' links (veth*, docker*) are left out, as cAdvisor does.
[[nodiscard]] bool parse_net_dev(std::string_view text, Sample& into);
// /proc/PID/net/tcp and its likes, and /proc/PID/net/snmp, netstat: into Sample::sockets.
[[nodiscard]] bool parse_net_tcp(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_tcp6(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_udp(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_udp6(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_snmp(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_netstat(std::string_view text, Sample& into);

// The explicit table of all of them, in reading order. Two entries of one name are one collector.
[[nodiscard]] std::span<const Collector> builtin_collectors();
// An entry of that name; null: there is none.
[[nodiscard]] const Collector* find_collector(std::string_view name);

}  // namespace mete::collectors
