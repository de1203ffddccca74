// SPDX-License-Identifier: Apache-2.0
// scheduler, ioPriority and execCPUAffinity of `process`; personality and memoryPolicy of `linux`.
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/oci/config/read_parts.h"

namespace mete::runtime::oci {
namespace {

template <class Value, std::size_t N>
using Names = std::array<std::pair<std::string_view, Value>, N>;

template <class Value, std::size_t N>
std::optional<Value> look_up(const Names<Value, N>& names, std::string_view name) {
  const auto at = std::find_if(names.begin(), names.end(), [&](const auto& each) { return each.first == name; });
  return at == names.end() ? std::nullopt : std::optional(at->second);
}

// <linux/sched.h> has the policies that glibc's <sched.h> lacks, but collides with it.
constexpr std::uint32_t kIso = 4;
constexpr std::uint32_t kDeadline = 6;
constexpr Names<std::uint32_t, 7> kPolicies = {{{"SCHED_OTHER", SCHED_OTHER},
                                                {"SCHED_FIFO", SCHED_FIFO},
                                                {"SCHED_RR", SCHED_RR},
                                                {"SCHED_BATCH", SCHED_BATCH},
                                                {"SCHED_ISO", kIso},
                                                {"SCHED_IDLE", SCHED_IDLE},
                                                {"SCHED_DEADLINE", kDeadline}}};
constexpr Names<std::uint64_t, 7> kSchedulingFlags = {{{"SCHED_FLAG_RESET_ON_FORK", 0x01},
                                                       {"SCHED_FLAG_RECLAIM", 0x02},
                                                       {"SCHED_FLAG_DL_OVERRUN", 0x04},
                                                       {"SCHED_FLAG_KEEP_POLICY", 0x08},
                                                       {"SCHED_FLAG_KEEP_PARAMS", 0x10},
                                                       {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
                                                       {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}}};

void read_scheduler(const Node& node, process::Tuning& tuning) {
  if (!node.present()) return;
  process::Scheduling scheduling;
  const std::string policy = node["policy"].text();
  const auto number = look_up(kPolicies, policy);
  if (!number) node["policy"].bad("\"" + policy + "\"", "SCHED_OTHER, _BATCH, _IDLE, _FIFO, _RR, _ISO or _DEADLINE");
  scheduling.policy = number.value_or(SCHED_OTHER);
  scheduling.nice = static_cast<std::int32_t>(node["nice"].integer(0, -20, 19));
  scheduling.priority = static_cast<std::uint32_t>(node["priority"].integer(0, 0, 99));
  const bool real_time = scheduling.policy == SCHED_FIFO || scheduling.policy == SCHED_RR;
  if (scheduling.priority != 0 && !real_time)
    node["priority"].bad(std::to_string(scheduling.priority), "one for SCHED_FIFO and SCHED_RR alone");
  scheduling.runtime = node["runtime"].u64();
  scheduling.deadline = node["deadline"].u64();
  scheduling.period = node["period"].u64();
  const bool timed = scheduling.runtime != 0 || scheduling.deadline != 0 || scheduling.period != 0;
  if (timed && scheduling.policy != kDeadline)
    node["runtime"].bad("a runtime, deadline or period", "those for SCHED_DEADLINE alone");
  for (const auto& flag : node["flags"].texts()) {
    const auto bit = look_up(kSchedulingFlags, flag);
    if (!bit) node["flags"].bad("\"" + flag + "\"", "flags such as SCHED_FLAG_RESET_ON_FORK");
    scheduling.flags |= bit.value_or(0);
  }
  tuning.scheduling = scheduling;
}

void read_io_priority(const Node& node, process::Tuning& tuning) {
  if (!node.present()) return;
  constexpr Names<int, 3> kClasses = {{{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}}};
  constexpr int kClassShift = 13;
  const std::string name = node["class"].text();
  const auto number = look_up(kClasses, name);
  if (!number) node["class"].bad("\"" + name + "\"", "IOPRIO_CLASS_RT, _BE or _IDLE");
  const auto priority = static_cast<int>(node["priority"].integer(0, 0, 7));
  tuning.io_priority = number.value_or(2) << kClassShift | priority;
}

// Reads the kernel's list format: "0-3,7".
std::vector<std::uint64_t> read_list(const Node& node) {
  constexpr unsigned kMost = 8192;
  std::vector<std::uint64_t> bits;
  const std::string text = node.text();
  const auto wrong = [&] { node.bad("\"" + text + "\"", "a list such as 0-3,7"); };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    unsigned low = 0;
    const auto first = std::from_chars(text.data() + at, text.data() + end, low);
    unsigned high = low;
    auto stop = first.ptr;
    bool good = first.ec == std::errc();
    if (good && stop != text.data() + end && *stop == '-') {
      const auto second = std::from_chars(stop + 1, text.data() + end, high);
      stop = second.ptr;
      good = second.ec == std::errc();
    }
    if (!good || stop != text.data() + end || high < low || high >= kMost) {
      wrong();
      return {};
    }
    bits.resize(std::max<std::size_t>(bits.size(), high / 64 + 1));
    for (unsigned bit = low; bit <= high; ++bit) bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
    at = end + 1;
  }
  return bits;
}

void read_memory_policy(const Node& node, process::Tuning& tuning) {
  if (!node.present()) return;
  constexpr int kBalancing = 1 << 13;     // MPOL_F_NUMA_BALANCING, Linux 5.12
  constexpr int kPreferredMany = 5;       // MPOL_PREFERRED_MANY, Linux 5.15
  constexpr int kWeightedInterleave = 6;  // MPOL_WEIGHTED_INTERLEAVE, Linux 6.9
  constexpr Names<int, 7> kModes = {{{"MPOL_DEFAULT", MPOL_DEFAULT},
                                     {"MPOL_BIND", MPOL_BIND},
                                     {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
                                     {"MPOL_WEIGHTED_INTERLEAVE", kWeightedInterleave},
                                     {"MPOL_PREFERRED", MPOL_PREFERRED},
                                     {"MPOL_PREFERRED_MANY", kPreferredMany},
                                     {"MPOL_LOCAL", MPOL_LOCAL}}};
  constexpr Names<int, 3> kFlags = {{{"MPOL_F_NUMA_BALANCING", kBalancing},
                                     {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
                                     {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES}}};
  process::MemoryPolicy policy;
  const std::string mode = node["mode"].text();
  const auto number = look_up(kModes, mode);
  if (!number)
    node["mode"].bad("\"" + mode + "\"",
                     "MPOL_DEFAULT, _BIND, _INTERLEAVE, _WEIGHTED_INTERLEAVE, _PREFERRED, _PREFERRED_MANY or _LOCAL");
  policy.mode = number.value_or(MPOL_DEFAULT);
  for (const auto& flag : node["flags"].texts()) {
    const auto bit = look_up(kFlags, flag);
    if (!bit) node["flags"].bad("\"" + flag + "\"", "MPOL_F_NUMA_BALANCING, _RELATIVE_NODES or _STATIC_NODES");
    policy.mode |= bit.value_or(0);
  }
  policy.nodes = read_list(node["nodes"]);
  tuning.memory_policy = std::move(policy);
}

}  // namespace

void read_tuning(const Node& process, process::Tuning& tuning) {
  read_scheduler(process["scheduler"], tuning);
  read_io_priority(process["ioPriority"], tuning);
  // Applies to `exec` only; read for the container's own process, too, to report its errors.
  const Node affinity = process["execCPUAffinity"];
  tuning.first_cpus = read_list(affinity["initial"]);
  tuning.cpus = read_list(affinity["final"]);
}

void read_machine_tuning(const Node& linux_part, process::Tuning& tuning) {
  read_memory_policy(linux_part["memoryPolicy"], tuning);
  const Node personality = linux_part["personality"];
  if (!personality.present()) return;
  const std::string domain = personality["domain"].text();
  if (domain == "LINUX") {
    tuning.personality = PER_LINUX;
  } else if (domain == "LINUX32") {
    tuning.personality = PER_LINUX32;
  } else {
    personality["domain"].bad("\"" + domain + "\"", "LINUX or LINUX32");
  }
  // The specification defines no flags ("no flag values are defined", config-linux.md).
  for (const auto& flag : personality["flags"].texts())
    personality["flags"].bad("\"" + flag + "\"", "none: the specification defines no flags");
}

}  // namespace mete::runtime::oci
