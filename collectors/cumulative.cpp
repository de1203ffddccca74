// SPDX-License-Identifier: Apache-2.0
#include "collectors/cumulative.h"

#include <algorithm>
#include <type_traits>

#include "collectors/parse.h"

namespace mete::collectors {
namespace {

enum class Kind { kCounter, kPeak, kLast };  // kLast: a setting that says how to read a counter

// An accessor that works on a const and on a mutable object. `member` may be a path: cpu.usage
// NOLINTBEGIN(bugprone-macro-parentheses)
#define METE_MEMBER(member)   \
  [](auto& object) -> auto& { \
    return object.member;     \
  }
// NOLINTEND(bugprone-macro-parentheses)

// The one list of what is carried over: visit(key, kind, accessor). A key once released keeps its meaning.
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

// Of Sample::memory.more and Sample::processes, which few samples have.
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

// Numbers in and out of the three types. What would overflow stays at the largest.
std::uint64_t raw(std::uint64_t number) {
  return number;
}
std::uint64_t raw(Bytes size) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(size.count(), 0));
}
std::uint64_t raw(std::chrono::nanoseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}
std::uint64_t raw(bool on) {
  return on ? 1 : 0;
}
void set(std::optional<bool>& into, std::uint64_t number) {
  into = number != 0;
}
void set(Count& into, std::uint64_t number) {
  into = number;
}
void set(Size& into, std::uint64_t number) {
  into = to_bytes(number);
}
void set(Time& into, std::uint64_t number) {
  into = to_time(number, 1);
}

template <class Optional>
void add_to(Optional& sum, const Optional& more) {
  if (!more) return;
  if (!sum) {
    sum = more;
    return;
  }
  std::uint64_t result = 0;
  if (__builtin_add_overflow(raw(*sum), raw(*more), &result)) result = std::numeric_limits<std::uint64_t>::max();
  set(sum, result);
}

bool same(const DeviceSample& a, const DeviceSample& b) {
  return a.major == b.major && a.minor == b.minor;
}
bool same(const InterfaceSample& a, const InterfaceSample& b) {
  return a.name == b.name;
}
bool same(const DeviceDetail& a, const DeviceDetail& b) {
  return a.major == b.major && a.minor == b.minor;
}
bool same(const HugetlbSample& a, const HugetlbSample& b) {
  return a.page_size == b.page_size;
}

// Adds the counters of `base` to those in `into`; items that only base has are appended.
template <class Item, class ForEach>
void add_items(const std::vector<Item>& base, std::vector<Item>& into, ForEach for_each) {
  for (const Item& old : base) {
    const auto found = std::find_if(into.begin(), into.end(), [&](const Item& item) { return same(item, old); });
    if (found == into.end()) {
      into.push_back(old);
    } else {
      for_each([&](std::string_view, auto member) { add_to(member(*found), member(old)); });
    }
  }
}

void append_line(std::string& out, std::string_view key, std::uint64_t number) {
  out.append(key).append(" ").append(std::to_string(number)).append("\n");
}

// One of a list, found by what `wanted` names or made; then the member of that key is set.
template <class Item, class ForEach>
void set_item(std::vector<Item>& items, const Item& wanted, std::string_view key, std::uint64_t value, ForEach for_each) {
  auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return same(item, wanted); });
  if (found == items.end()) found = items.insert(found, wanted);
  for_each([&](std::string_view field, auto member) {
    if (field == key) set(member(*found), value);
  });
}

// The rest of a "device 254:0 vda read_bytes 5" line.
template <class Device, class ForEach>
bool parse_device_line(std::string_view rest, std::vector<Device>& into, ForEach for_each) {
  std::string_view number = next_word(rest);
  const auto major = parse_u64(next_part(number, ':'));
  const auto minor = parse_u64(number);
  const std::string_view name = next_word(rest);
  const std::string_view key = next_word(rest);
  const auto value = parse_u64(next_word(rest));
  if (!major || !minor || *major > 0xffffffffU || *minor > 0xffffffffU || !value) return false;
  Device wanted;
  wanted.major = static_cast<std::uint32_t>(*major);
  wanted.minor = static_cast<std::uint32_t>(*minor);
  if (name != "-") wanted.name = ShortText<31>(name);
  set_item(into, wanted, key, *value, for_each);
  return true;
}

// The rest of "interface eth0 receive_bytes 5" and "hugetlb 2MB failcnt 5".
template <class Item, class ForEach>
bool parse_named_line(std::string_view rest, std::vector<Item>& into, ForEach for_each) {
  Item wanted;
  const std::string_view name = next_word(rest);
  if constexpr (std::is_same_v<Item, InterfaceSample>) {
    wanted.name = ShortText<15>(name);
  } else {
    wanted.page_size = ShortText<7>(name);
  }
  const std::string_view key = next_word(rest);
  const auto value = parse_u64(next_word(rest));
  if (!value) return false;
  set_item(into, wanted, key, *value, for_each);
  return true;
}

bool parse_line(std::string_view line, Sample& into) {
  const std::string_view key = next_word(line);
  if (key == "device") return parse_device_line(line, into.devices, [](auto visit) { for_each_device_field(visit); });
  if (key == "device_detail") {
    return parse_device_line(line, into.device_details, [](auto visit) { for_each_detail_field(visit); });
  }
  if (key == "interface") {
    return parse_named_line(line, into.interfaces, [](auto visit) { for_each_interface_field(visit); });
  }
  if (key == "hugetlb") return parse_named_line(line, into.hugetlb, [](auto visit) { for_each_hugetlb_field(visit); });
  const auto number = parse_u64(next_word(line));
  bool known = false;
  const auto set_if_named = [&](auto& object_of) {
    return [&](std::string_view field, Kind, auto member) {
      if (field != key) return;
      known = true;
      if (number) set(member(object_of()), *number);
    };
  };
  const auto whole = [&]() -> Sample& { return into; };
  const auto more = [&]() -> MemoryMore& { return into.memory.more.make(); };
  const auto processes = [&]() -> ProcessesSample& { return into.processes.make(); };
  for_each_field(set_if_named(whole));
  for_each_more_field(set_if_named(more));
  for_each_process_field(set_if_named(processes));
  return !known || number.has_value();
}

#undef METE_MEMBER

// The counters of `base` into `out`, which holds those of the live one.
template <class Part, class ForEach>
void carry_over(const Part& base, Part& out, ForEach for_each) {
  for_each([&](std::string_view, Kind kind, auto member) {
    if (kind == Kind::kCounter) {
      add_to(member(out), member(base));
    } else if (kind == Kind::kLast) {
      if (!member(out)) member(out) = member(base);
    } else if (member(base) && (!member(out) || *member(base) > *member(out))) {
      member(out) = member(base);
    }
  });
}

template <class Item, class ForEach>
void append_items(std::string& out, const std::string& head, const Item& item, ForEach for_each) {
  for_each([&](std::string_view key, auto member) {
    if (member(item)) append_line(out, head + " " + std::string(key), raw(*member(item)));
  });
}

template <class Device>
std::string head_of(const char* kind, const Device& device) {
  const std::string name(device.name.view().empty() ? "-" : device.name.view());
  return kind + std::to_string(device.major) + ":" + std::to_string(device.minor) + " " + name;
}

}  // namespace

void add_into(const Sample& base, const Sample& live, Sample& out) {
  out = live;
  carry_over(base, out, [](auto visit) { for_each_field(visit); });
  if (base.memory.more) {
    carry_over(*base.memory.more, out.memory.more.make(), [](auto visit) { for_each_more_field(visit); });
  }
  if (base.processes) {
    carry_over(*base.processes, out.processes.make(), [](auto visit) { for_each_process_field(visit); });
  }
  for (std::size_t cpu = 0; cpu < base.cpu.per_cpu.size(); ++cpu) {
    if (cpu >= out.cpu.per_cpu.size()) out.cpu.per_cpu.emplace_back(0);
    out.cpu.per_cpu[cpu] = to_time(raw(out.cpu.per_cpu[cpu]) + raw(base.cpu.per_cpu[cpu]), 1);
  }
  add_items(base.devices, out.devices, [](auto visit) { for_each_device_field(visit); });
  add_items(base.device_details, out.device_details, [](auto visit) { for_each_detail_field(visit); });
  add_items(base.interfaces, out.interfaces, [](auto visit) { for_each_interface_field(visit); });
  add_items(base.hugetlb, out.hugetlb, [](auto visit) { for_each_hugetlb_field(visit); });
}

Sample add(const Sample& base, const Sample& live) {
  Sample out;
  add_into(base, live, out);
  return out;
}

std::string to_text(const Sample& sample) {
  std::string out;
  const auto append_all = [&](const auto& part) {
    return [&](std::string_view key, Kind, auto member) {
      if (member(part)) append_line(out, key, raw(*member(part)));
    };
  };
  for_each_field(append_all(sample));
  if (sample.memory.more) for_each_more_field(append_all(*sample.memory.more));
  if (sample.processes) for_each_process_field(append_all(*sample.processes));
  for (const DeviceSample& device : sample.devices) {
    append_items(out, head_of("device ", device), device, [](auto visit) { for_each_device_field(visit); });
  }
  for (const DeviceDetail& device : sample.device_details) {
    append_items(out, head_of("device_detail ", device), device, [](auto visit) { for_each_detail_field(visit); });
  }
  for (const InterfaceSample& interface : sample.interfaces) {
    append_items(out, "interface " + std::string(interface.name.view()), interface,
                 [](auto visit) { for_each_interface_field(visit); });
  }
  for (const HugetlbSample& pages : sample.hugetlb) {
    append_items(out, "hugetlb " + std::string(pages.page_size.view()), pages,
                 [](auto visit) { for_each_hugetlb_field(visit); });
  }
  return out;
}

Result<Sample> from_text(std::string_view text) {
  Sample sample;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = next_line(text);
    if (trim(line).empty() || parse_line(line, sample)) continue;
    return fail("counters, line " + std::to_string(number) + ": found \"" + std::string(line.substr(0, 80)) +
                "\", expected a key and a number");
  }
  return sample;
}

}  // namespace mete::collectors
