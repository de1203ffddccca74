// SPDX-License-Identifier: Apache-2.0
// The mete/v1 Policy: control beyond a Pod's own limits, selected by label so that Pods stay portable. An empty
// optional means "not set". Plain data, independent of YAML.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/base/location.h"
#include "config/base/units.h"
#include "config/model/bandwidth.h"
#include "config/model/io_policy.h"
#include "config/model/objects.h"

namespace mete::config {

using Duration = std::chrono::nanoseconds;

enum class LabelOperator { kIn, kNotIn, kExists, kDoesNotExist };

struct LabelExpression {
  std::string key;
  LabelOperator op = LabelOperator::kExists;
  std::vector<std::string> values;  // for kIn and kNotIn
  bool operator==(const LabelExpression&) const = default;
};

// Selects either Pods of the Policy's namespace by label (all must match), or cgroups of other programs.
struct Selector {
  std::map<std::string, std::string> match_labels;
  std::vector<LabelExpression> match_expressions;
  std::vector<std::string> cgroups;  // globs of cgroup paths: "/docker/*"
  bool operator==(const Selector&) const = default;
};

// True when the selector picks a Pod with these labels. A selector of cgroups, or an empty one, picks no Pod.
[[nodiscard]] bool matches(const Selector& selector, const std::map<std::string, std::string>& labels);

struct CpuBoost {
  Ratio when_throttled;      // share of periods that were throttled
  Duration over{};           // "for": time that the condition must hold
  Ratio factor;              // the quota is multiplied by this; above 1
  std::optional<Ratio> max;  // share of the container's own limit
  Duration cool_down{};
  bool operator==(const CpuBoost&) const = default;
};

struct CpuPolicy {
  std::optional<Duration> burst;  // whole microseconds
  std::optional<CpuBoost> boost;
  bool exclusive = false;  // own CPUs, for containers of Guaranteed pods that request whole cores
  bool idle = false;       // runs only on otherwise idle CPUs (SCHED_IDLE)
  bool operator==(const CpuPolicy&) const = default;
};

enum class ThresholdAction {
  kSignal,   // send a signal to the container's first process
  kReclaim,  // reclaim page cache and other memory without killing
  kExec,     // run a command inside the container
  kFreeze,   // freeze all processes until a person or program acts; after `timeout`, `then`
  kRaise,    // raise the limit as in MemoryPolicy::raise
  kRestart,  // restart gracefully: stop signal, grace period, kill, start
  kKillContainer,
  kKillProcess,  // kill the process that the kernel would choose
};

enum class AfterFreeze { kKillContainer, kKillProcess, kThaw };

struct MemoryThreshold {
  Ratio usage;  // share of the container's own limit
  ThresholdAction action = ThresholdAction::kReclaim;
  int signal = 0;                         // for kSignal: the signal number; otherwise 0
  std::vector<std::string> command;       // for kExec
  std::optional<Duration> timeout;        // for kExec, and for kFreeze, where it is always set
  AfterFreeze then = AfterFreeze::kThaw;  // for kFreeze
  bool operator==(const MemoryThreshold&) const = default;
};

struct MemoryPressure {
  std::optional<Ratio> some;  // share of time that some task waited for memory; at least one of the two is set
  std::optional<Ratio> full;
  Duration over{};  // "for": time that the condition must hold
  ThresholdAction action = ThresholdAction::kKillContainer;
  bool operator==(const MemoryPressure&) const = default;
};

// Evicted pages that are read again (refaults): the sign of a container that needs more memory than it has, with or
// without swap.
struct MemoryThrashing {
  Ratio refaults;   // bytes read again within `over`, as a share of the container's own limit
  Duration over{};  // "for": time that is measured
  ThresholdAction action = ThresholdAction::kKillContainer;
  bool operator==(const MemoryThrashing&) const = default;
};

enum class OnOom {
  kKillContainer,  // kill the whole container of the kernel's victim
  kKillProcess,    // kill the kernel's victim only
  // a process that hits the limit blocks until memory is freed or the limit is raised; after the timeout, `then`
  kHold,
  kRaise,  // raise the limit by `by` up to `max`
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
  // Notify the container of memory pressure by the protocol of systemd services (MEMORY_PRESSURE_WATCH).
  bool notify = false;
  std::optional<Bytes> swap;  // swap that is allowed beyond the memory limit; empty: none
  bool operator==(const MemoryPolicy&) const = default;
};

struct PidsPolicy {
  std::optional<std::int64_t> max;
  bool operator==(const PidsPolicy&) const = default;
};

// A device of the machine.
struct DevicePermission {
  std::string path;            // below /dev
  std::string access = "rwm";  // any of r(ead), w(rite), m(knod)
  bool operator==(const DevicePermission&) const = default;
};

// Devices beyond the default ones (null, zero, full, random, urandom, tty, ptmx, pts); `deny` overrides `allow`.
struct DevicePolicy {
  std::vector<DevicePermission> allow;  // also made in the container's /dev
  std::vector<DevicePermission> deny;
  bool operator==(const DevicePolicy&) const = default;
};

// The class of the container's packets, which tc(8) and iptables(8) can match: cgroup v1's net_cls.
struct NetClassPolicy {
  std::optional<std::uint32_t> class_id;  // the kernel's form: 0xMAJORMINOR
  bool operator==(const NetClassPolicy&) const = default;
};

// Limits the damage: after max_kills within `per`, mete raises an alert instead of killing.
struct GuardPolicy {
  std::int64_t max_kills = 0;
  Duration per{};
  bool operator==(const GuardPolicy&) const = default;
};

// Reaction to a managed file that another program has changed.
enum class OnDrift { kRestore, kReport };

struct Policy {
  ObjectMeta metadata;
  Selector selector;
  bool dry_run = false;  // decide and record, but change nothing
  OnDrift drift = OnDrift::kRestore;
  CpuPolicy cpu;
  MemoryPolicy memory;
  IoPolicy io;
  PidsPolicy pids;
  DevicePolicy devices;
  NetClassPolicy net_cls;
  Bandwidth network;
  std::optional<GuardPolicy> guard;
  Location location;
  bool operator==(const Policy&) const = default;
};

}  // namespace mete::config
