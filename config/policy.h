// SPDX-License-Identifier: Apache-2.0
// The mete/v1 Policy: what mete can do beyond a Pod's own limits, selected by label so that Pods stay portable.
// Empty optionals mean "not said". Plain data; knows nothing of YAML.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/location.h"
#include "config/objects.h"
#include "config/units.h"

namespace mete::config {

using Duration = std::chrono::nanoseconds;

enum class LabelOperator { kIn, kNotIn, kExists, kDoesNotExist };

struct LabelExpression {
  std::string key;
  LabelOperator op = LabelOperator::kExists;
  std::vector<std::string> values;  // for kIn and kNotIn
  bool operator==(const LabelExpression&) const = default;
};

// Either labels of Pods in the Policy's namespace (all must hold), or cgroups that others made.
struct Selector {
  std::map<std::string, std::string> match_labels;
  std::vector<LabelExpression> match_expressions;
  std::vector<std::string> cgroups;  // globs of cgroup paths: "/docker/*"
  bool operator==(const Selector&) const = default;
};

// Does the selector pick a Pod with these labels? One that names cgroups, or nothing, picks no Pod.
[[nodiscard]] bool matches(const Selector& selector, const std::map<std::string, std::string>& labels);

struct CpuBoost {
  Ratio when_throttled;      // share of periods that were throttled
  Duration over{};           // "for": this long
  Ratio factor;              // quota is multiplied by this, above 1
  std::optional<Ratio> max;  // of the container's own limit
  Duration cool_down{};
  bool operator==(const CpuBoost&) const = default;
};

struct CpuPolicy {
  std::optional<Duration> burst;  // whole microseconds
  std::optional<CpuBoost> boost;
  bool exclusive = false;  // CPUs of its own, for containers of Guaranteed pods that ask for whole cores
  bool idle = false;       // runs only when nobody else wants the CPU (SCHED_IDLE)
  bool operator==(const CpuPolicy&) const = default;
};

enum class ThresholdAction {
  kSignal,   // to the container's first process
  kReclaim,  // page cache and what else can be had without killing
  kExec,     // a command inside the container
  kFreeze,   // stop all of it for a person or a program to decide; after `timeout`, `then`
  kRaise,    // the limit, as MemoryPolicy::raise says
  kRestart,  // gracefully: stop signal, grace, kill, start
  kKillContainer,
  kKillProcess,  // the one the kernel would take
};

enum class AfterFreeze { kKillContainer, kKillProcess, kThaw };

struct MemoryThreshold {
  Ratio usage;  // of the container's own limit
  ThresholdAction action = ThresholdAction::kReclaim;
  int signal = 0;                         // for kSignal: the number; 0 otherwise
  std::vector<std::string> command;       // for kExec
  std::optional<Duration> timeout;        // for kExec and kFreeze, which always has one
  AfterFreeze then = AfterFreeze::kThaw;  // for kFreeze
  bool operator==(const MemoryThreshold&) const = default;
};

struct MemoryPressure {
  std::optional<Ratio> some;  // share of time that some task waited for memory; at least one of the two is set
  std::optional<Ratio> full;
  Duration over{};  // "for"
  ThresholdAction action = ThresholdAction::kKillContainer;
  bool operator==(const MemoryPressure&) const = default;
};

// Pages that were thrown out and are read again: what a container does that needs more than it has, swap or not.
struct MemoryThrashing {
  Ratio refaults;   // bytes read again within `over`, as a share of the container's own limit
  Duration over{};  // "for"
  ThresholdAction action = ThresholdAction::kKillContainer;
  bool operator==(const MemoryThrashing&) const = default;
};

enum class OnOom {
  kKillContainer,  // the kernel's victim takes its whole container along
  kKillProcess,    // the kernel's victim alone
  kHold,           // stop the container, wait for a person or room, then `then`
  kRaise,          // raise the limit by `by` up to `max`
};

struct OomHold {
  Duration timeout{};
  OnOom then = OnOom::kKillContainer;  // kKillContainer, kKillProcess or kRaise
  bool operator==(const OomHold&) const = default;
};

struct OomRaise {
  Ratio by;
  std::optional<Bytes> max;
  bool operator==(const OomRaise&) const = default;
};

struct MemoryPolicy {
  std::vector<MemoryThreshold> at;
  std::optional<MemoryPressure> pressure;
  std::optional<MemoryThrashing> thrashing;
  std::optional<OnOom> on_oom;
  std::optional<OomHold> hold;
  std::optional<OomRaise> raise;
  // The container is told of memory pressure by the protocol of systemd's services (MEMORY_PRESSURE_WATCH).
  bool notify = false;
  std::optional<Bytes> swap;  // what it may have in swap, beyond its memory limit; without it: none
  bool operator==(const MemoryPolicy&) const = default;
};

struct IoDeviceLimit {
  std::string path;  // a device, or a path on the file system that lies on it; absolute
  std::optional<Bytes> read_per_second;
  std::optional<Bytes> write_per_second;
  std::optional<std::int64_t> read_operations_per_second;
  std::optional<std::int64_t> write_operations_per_second;
  std::optional<Duration>
      latency;  // that its requests shall keep to, at the cost of those with more; whole microseconds
  bool operator==(const IoDeviceLimit&) const = default;
};

struct IoPolicy {
  std::vector<IoDeviceLimit> devices;
  std::optional<std::int64_t> weight;  // 1 to 10000, 100 = normal
  bool operator==(const IoPolicy&) const = default;
};

struct PidsPolicy {
  std::optional<std::int64_t> max;
  bool operator==(const PidsPolicy&) const = default;
};

// A device of the machine.
struct DevicePermission {
  std::string path;            // below /dev
  std::string access = "rwm";  // of r(ead), w(rite), m(knod)
  bool operator==(const DevicePermission&) const = default;
};

// Beyond what every container may use (null, zero, full, random, urandom, tty, ptmx, pts); `deny` has the last word.
struct DevicePolicy {
  std::vector<DevicePermission> allow;  // they are also there, in the container's /dev
  std::vector<DevicePermission> deny;
  bool operator==(const DevicePolicy&) const = default;
};

// The class of what it sends, for tc(8) and iptables(8) to tell it by: cgroup v1's net_cls.
struct NetClassPolicy {
  std::optional<std::uint32_t> class_id;  // as the kernel has it: 0xMAJORMINOR
  bool operator==(const NetClassPolicy&) const = default;
};

// Blast radius: after max_kills within `per`, mete alerts instead of killing.
struct GuardPolicy {
  std::int64_t max_kills = 0;
  Duration per{};
  bool operator==(const GuardPolicy&) const = default;
};

// What becomes of a managed file into which somebody else wrote.
enum class OnDrift { kRestore, kReport };

struct Policy {
  ObjectMeta metadata;
  Selector selector;
  bool dry_run = false;  // decide and record, but do nothing
  OnDrift drift = OnDrift::kRestore;
  CpuPolicy cpu;
  MemoryPolicy memory;
  IoPolicy io;
  PidsPolicy pids;
  DevicePolicy devices;
  NetClassPolicy net_cls;
  std::optional<GuardPolicy> guard;
  Location location;
  bool operator==(const Policy&) const = default;
};

}  // namespace mete::config
