// SPDX-License-Identifier: Apache-2.0
// A collector is a name and the kernel files it reads, each with the function that parses its text. To add one:
// collectors/kernel/SUBJECT.cpp with its parsers and its table, a line in builtin_collectors(), rows in
// collectors/metrics/SUBJECT.cpp, a test.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/sample.h"

namespace mete::collectors {

// Maps major:minor to a name by /proc/diskstats. The file is read again when an unknown device appears.
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

// Parses one file into its fields of `into`. False: the text is not in the file's format. A missing key leaves its
// field unchanged; unknown keys are ignored.
using Parser = bool (*)(std::string_view text, Sample& into);

enum class Where : std::uint8_t {
  kV1,
  kV2,
  kUnified
};  // kUnified: any cgroup2 directory, also a twin without controllers
// How often a file is read.
// kEachPass: in every pass, before all others: QuietWatch decides by these numbers whether the others can have changed.
// kWaiting: also changes while tasks only wait; skipped in a quiet group without tasks.
// kRunning: constant while nothing runs in the group and its memory usage stays the same; skipped in a quiet group.
// kSetting: settings and seldom used numbers; read again every CollectionOptions::settings_for.
enum class When : std::uint8_t { kEachPass, kWaiting, kRunning, kSetting };
// kBfq, kCfq: only where a disk of the machine uses that I/O scheduler.
enum class Wanted : std::uint8_t { kAlways, kBfq, kCfq };

struct SourceFile {
  Where where;
  std::string_view controller;  // "memory"; empty with kUnified
  std::string_view file;        // "memory.stat"
  Parser parse;
  When when = When::kEachPass;
  Wanted wanted = Wanted::kAlways;
};

// One collector. `name` is the value of Family::collector, of the `collector` label and of the options that switch
// collectors on and off.
struct Collector {
  std::string_view name;
  std::span<const SourceFile> files;  // empty: the collector reads no file of a cgroup
  bool on = true;                     // on by default
  std::string_view cost = {};         // what the collector costs, when it is off by default
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
// Parses "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234". Only `total`, in microseconds, is a counter. False: the
// text has none.
bool parse_pressure(std::string_view text, PressureSample& into);
[[nodiscard]] std::span<const SourceFile> group_files();

// The number of members of a list in the kernel's format: 5 for "0-3,8". Empty when the text is no such list.
[[nodiscard]] std::optional<std::uint64_t> count_of_list(std::string_view list);

// Parses the text of /proc/PID/net/dev. That file belongs to a process and not to a cgroup, so it is no SourceFile: see
// CgroupSampler::watch_network. Loopback and the host's ends of containers' links (veth*, docker*) are left out, as in
// cAdvisor.
[[nodiscard]] bool parse_net_dev(std::string_view text, Sample& into);
// Parse /proc/PID/net/tcp, tcp6, udp, udp6, snmp and netstat into Sample::sockets.
[[nodiscard]] bool parse_net_tcp(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_tcp6(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_udp(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_udp6(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_snmp(std::string_view text, Sample& into);
[[nodiscard]] bool parse_net_netstat(std::string_view text, Sample& into);

// All collectors, in reading order: an explicit table. Two entries with one name are one collector.
[[nodiscard]] std::span<const Collector> builtin_collectors();
// The first entry with that name; null: there is none.
[[nodiscard]] const Collector* find_collector(std::string_view name);

}  // namespace mete::collectors
