// SPDX-License-Identifier: Apache-2.0
// The fields that are carried over from one cgroup of a container to the next, and their names in files. For
// cumulative.cpp and cumulative_text.cpp only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "collectors/kernel/parse.h"
#include "collectors/kernel/sample.h"

namespace mete::collectors::cumulative {

enum class Kind { kCounter, kPeak, kLast };  // kLast: a setting that says how a counter is to be read

// An accessor that works on a const and on a mutable object. `member` may be a path: cpu.usage
// NOLINTBEGIN(bugprone-macro-parentheses)
#define METE_MEMBER(member)   \
  [](auto& object) -> auto& { \
    return object.member;     \
  }
// NOLINTEND(bugprone-macro-parentheses)

// The one list of the fields that are carried over: visit(key, kind, accessor). A released key keeps its meaning.
template <class Visit>
void for_each_field(Visit visit) {
  using enum Kind;
  visit("cpu.usage_ns", kCounter, METE_MEMBER(cpu.usage));
  visit("cpu.user_ns", kCounter, METE_MEMBER(cpu.user));
  visit("cpu.system_ns", kCounter, METE_MEMBER(cpu.system));
  visit("cpu.periods", kCounter, METE_MEMBER(cpu.periods));
  visit("cpu.throttled_periods", kCounter, METE_MEMBER(cpu.throttled_periods));
  visit("cpu.throttled_ns", kCounter, METE_MEMBER(cpu.throttled));
  visit("cpu.burst_periods", kCounter, METE_MEMBER(cpu.burst_periods));
  visit("cpu.burst_ns", kCounter, METE_MEMBER(cpu.burst));
  visit("cpu.throttled_local_ns", kCounter, METE_MEMBER(cpu.throttled_local));
  visit("memory.max_usage", kPeak, METE_MEMBER(memory.max_usage));
  visit("memory.failcnt", kCounter, METE_MEMBER(memory.failcnt));
  visit("memory.page_faults", kCounter, METE_MEMBER(memory.page_faults));
  visit("memory.major_page_faults", kCounter, METE_MEMBER(memory.major_page_faults));
  visit("memory.refault_file", kCounter, METE_MEMBER(memory.refault_file));
  visit("memory.refault_anon", kCounter, METE_MEMBER(memory.refault_anon));
  visit("memory.scanned", kCounter, METE_MEMBER(memory.scanned));
  visit("memory.stolen", kCounter, METE_MEMBER(memory.stolen));
  visit("memory.oom_kills", kCounter, METE_MEMBER(memory.oom_kills));
  visit("memory.events_low", kCounter, METE_MEMBER(memory.events_low));
  visit("memory.events_high", kCounter, METE_MEMBER(memory.events_high));
  visit("memory.events_max", kCounter, METE_MEMBER(memory.events_max));
  visit("memory.events_oom", kCounter, METE_MEMBER(memory.events_oom));
  visit("memory.events_oom_group_kill", kCounter, METE_MEMBER(memory.events_oom_group_kill));
  visit("memory.oom_group", kLast, METE_MEMBER(memory.oom_group));
  visit("pids.peak", kPeak, METE_MEMBER(pids.peak));
  visit("pids.refused", kCounter, METE_MEMBER(pids.refused));
  visit("pressure.cpu_some_ns", kCounter, METE_MEMBER(cpu_pressure.some));
  visit("pressure.cpu_full_ns", kCounter, METE_MEMBER(cpu_pressure.full));
  visit("pressure.memory_some_ns", kCounter, METE_MEMBER(memory_pressure.some));
  visit("pressure.memory_full_ns", kCounter, METE_MEMBER(memory_pressure.full));
  visit("pressure.io_some_ns", kCounter, METE_MEMBER(io_pressure.some));
  visit("pressure.io_full_ns", kCounter, METE_MEMBER(io_pressure.full));
  visit("pressure.irq_full_ns", kCounter, METE_MEMBER(irq_pressure.full));
}

// The fields of Sample::memory.more, and below those of Sample::processes: few samples have these parts.
template <class Visit>
void for_each_more_field(Visit visit) {
  using enum Kind;
  visit("memory.local_low", kCounter, METE_MEMBER(local.low));
  visit("memory.local_high", kCounter, METE_MEMBER(local.high));
  visit("memory.local_max", kCounter, METE_MEMBER(local.max));
  visit("memory.local_oom", kCounter, METE_MEMBER(local.oom));
  visit("memory.local_oom_kill", kCounter, METE_MEMBER(local.oom_kill));
  visit("memory.local_oom_group_kill", kCounter, METE_MEMBER(local.oom_group_kill));
  visit("memory.swap_high", kCounter, METE_MEMBER(swap_high));
  visit("memory.swap_max", kCounter, METE_MEMBER(swap_max));
  visit("memory.swap_fail", kCounter, METE_MEMBER(swap_fail));
  visit("memory.swap_peak", kPeak, METE_MEMBER(swap_peak));
}
template <class Visit>
void for_each_process_field(Visit visit) {
  using enum Kind;
  visit("schedstat.run_ns", kCounter, METE_MEMBER(run));
  visit("schedstat.run_queue_ns", kCounter, METE_MEMBER(run_queue));
  visit("schedstat.run_periods", kCounter, METE_MEMBER(run_periods));
}

template <class Visit>
void for_each_device_field(Visit visit) {
  visit("read_bytes", METE_MEMBER(read_bytes));
  visit("write_bytes", METE_MEMBER(write_bytes));
  visit("discard_bytes", METE_MEMBER(discard_bytes));
  visit("reads", METE_MEMBER(reads));
  visit("writes", METE_MEMBER(writes));
  visit("discards", METE_MEMBER(discards));
}

template <class Visit>
void for_each_detail_field(Visit visit) {
  visit("cost_usage_ns", METE_MEMBER(cost_usage));
  visit("cost_wait_ns", METE_MEMBER(cost_wait));
  visit("cost_indebt_ns", METE_MEMBER(cost_indebt));
  visit("cost_indelay_ns", METE_MEMBER(cost_indelay));
  visit("sync_bytes", METE_MEMBER(sync_bytes));
  visit("async_bytes", METE_MEMBER(async_bytes));
  visit("sectors", METE_MEMBER(sectors));
  visit("reads_merged", METE_MEMBER(reads_merged));
  visit("writes_merged", METE_MEMBER(writes_merged));
  visit("read_time_ns", METE_MEMBER(read_time));
  visit("write_time_ns", METE_MEMBER(write_time));
  visit("io_time_ns", METE_MEMBER(io_time));
}

template <class Visit>
void for_each_hugetlb_field(Visit visit) {
  visit("failcnt", METE_MEMBER(failcnt));
  visit("reserve_failcnt", METE_MEMBER(reserve_failcnt));
}

template <class Visit>
void for_each_interface_field(Visit visit) {
  visit("receive_bytes", METE_MEMBER(receive_bytes));
  visit("receive_packets", METE_MEMBER(receive_packets));
  visit("receive_errors", METE_MEMBER(receive_errors));
  visit("receive_dropped", METE_MEMBER(receive_dropped));
  visit("transmit_bytes", METE_MEMBER(transmit_bytes));
  visit("transmit_packets", METE_MEMBER(transmit_packets));
  visit("transmit_errors", METE_MEMBER(transmit_errors));
  visit("transmit_dropped", METE_MEMBER(transmit_dropped));
}

// Converts numbers to and from the three types of field. A value that would overflow becomes the largest one.
inline std::uint64_t raw(std::uint64_t number) {
  return number;
}
inline std::uint64_t raw(Bytes size) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(size.count(), 0));
}
inline std::uint64_t raw(std::chrono::nanoseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}
inline std::uint64_t raw(bool on) {
  return on ? 1 : 0;
}
inline void set(std::optional<bool>& into, std::uint64_t number) {
  into = number != 0;
}
inline void set(Count& into, std::uint64_t number) {
  into = number;
}
inline void set(Size& into, std::uint64_t number) {
  into = to_bytes(number);
}
inline void set(Time& into, std::uint64_t number) {
  into = to_time(number, 1);
}

inline bool same(const DeviceSample& a, const DeviceSample& b) {
  return a.major == b.major && a.minor == b.minor;
}
inline bool same(const InterfaceSample& a, const InterfaceSample& b) {
  return a.name == b.name;
}
inline bool same(const DeviceDetail& a, const DeviceDetail& b) {
  return a.major == b.major && a.minor == b.minor;
}
inline bool same(const HugetlbSample& a, const HugetlbSample& b) {
  return a.page_size == b.page_size;
}

#undef METE_MEMBER

}  // namespace mete::collectors::cumulative
