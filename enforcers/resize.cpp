// SPDX-License-Identifier: Apache-2.0
#include "enforcers/resize.h"

#include <algorithm>
#include <string>

namespace mete::enforcers {
namespace {

using runtime::cgroup::Limit;

std::string text_of(MilliCpu cpu) {
  return cpu.count() % 1000 == 0 ? std::to_string(cpu.count() / 1000) : std::to_string(cpu.count()) + "m";
}

std::string text_of(Bytes bytes) {
  static constexpr const char* kUnits[] = {"", "Ki", "Mi", "Gi", "Ti"};
  auto count = bytes.count();
  std::size_t unit = 0;
  while (count != 0 && count % 1024 == 0 && unit + 1 < std::size(kUnits)) {
    count /= 1024;
    ++unit;
  }
  return std::to_string(count) + kUnits[unit];
}

template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "none";
}

template <class T>
Status update(std::optional<T>& limit, std::optional<T>& request, const std::optional<T>& new_limit,
              const std::optional<T>& new_request, const char* name) {
  const bool follows = limit && request == limit;
  if (new_limit) limit = new_limit;
  if (new_request) {
    request = new_request;
  } else if (follows) {
    request = limit;
  }
  if (!limit || !request || *request <= *limit) return {};
  return fail(std::string(name) + ": found a request of " + text_of(*request) + " and a limit of " + text_of(*limit) +
              ", expected a request of at most the limit");
}

template <class T>
void keep(std::optional<T>& to, const std::optional<T>& from) {
  if (from) to = from;
}

template <class T>
Limit<T> larger(const Limit<T>& a, const Limit<T>& b) {
  if (a.is_unlimited() || b.is_unlimited()) return {};
  return std::max(a.value(), b.value());
}

// Compares by cores, because the periods may differ.
bool is_larger(const runtime::cgroup::CpuBandwidth& a, const runtime::cgroup::CpuBandwidth& b) {
  if (a.quota.is_unlimited() || b.quota.is_unlimited()) return a.quota.is_unlimited();
  return a.quota.value().count() * b.period.count() > b.quota.value().count() * a.period.count();
}

template <class T>
void describe(std::string& text, const char* name, const std::optional<T>& before, const std::optional<T>& after) {
  if (before == after) return;
  text.append(text.empty() ? "" : ", ")
      .append(name)
      .append(" ")
      .append(text_of(before))
      .append(" -> ")
      .append(text_of(after));
}

}  // namespace

Result<config::Resources> updated(config::Resources resources, const ResourceUpdate& change) {
  METE_CHECK(update(resources.limits.cpu, resources.requests.cpu, change.cpu_limit, change.cpu_request, "cpu"));
  METE_CHECK(
      update(resources.limits.memory, resources.requests.memory, change.memory_limit, change.memory_request, "memory"));
  return resources;
}

ResourceUpdate merged(const ResourceUpdate& earlier, const ResourceUpdate& later) {
  ResourceUpdate all = earlier;
  keep(all.cpu_limit, later.cpu_limit);
  keep(all.cpu_request, later.cpu_request);
  keep(all.memory_limit, later.memory_limit);
  keep(all.memory_request, later.memory_request);
  return all;
}

runtime::cgroup::Limits widest(const runtime::cgroup::Limits& before, const runtime::cgroup::Limits& after) {
  auto limits = after;
  if (before.memory && after.memory) limits.memory = larger(*before.memory, *after.memory);
  if (before.cpu_bandwidth && after.cpu_bandwidth && is_larger(*before.cpu_bandwidth, *after.cpu_bandwidth))
    limits.cpu_bandwidth = before.cpu_bandwidth;
  return limits;
}

bool takes_restart(const config::Container& container, const config::Resources& to) {
  const auto differs = [&](auto member) {
    return container.resources.limits.*member != to.limits.*member ||
           container.resources.requests.*member != to.requests.*member;
  };
  return (container.restart_for_cpu && differs(&config::ResourceList::cpu)) ||
         (container.restart_for_memory && differs(&config::ResourceList::memory));
}

std::string describe_change(const config::Resources& before, const config::Resources& after) {
  std::string text;
  describe(text, "cpu limit", before.limits.cpu, after.limits.cpu);
  describe(text, "cpu request", before.requests.cpu, after.requests.cpu);
  describe(text, "memory limit", before.limits.memory, after.limits.memory);
  describe(text, "memory request", before.requests.memory, after.requests.memory);
  if (before.limits.huge_pages != after.limits.huge_pages) text.append(text.empty() ? "" : ", ").append("hugepages");
  return text;
}

}  // namespace mete::enforcers
