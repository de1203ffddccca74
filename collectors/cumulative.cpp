// SPDX-License-Identifier: Apache-2.0
#include "collectors/cumulative.h"

#include <algorithm>

#include "collectors/cumulative_fields.h"

namespace mete::collectors {
namespace {

using namespace cumulative;  // NOLINT(google-build-using-namespace): its own

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

// Adds the counters of `base` to those in `into`. Items that only `base` has are appended.
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

// Carries the counters of `base` over into `out`, which holds those of the live cgroup.
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

}  // namespace mete::collectors
