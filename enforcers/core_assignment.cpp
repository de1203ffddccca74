// SPDX-License-Identifier: Apache-2.0
#include "enforcers/core_assignment.h"

#include <algorithm>

#include "enforcers/qos.h"
#include "runtime/cgroup/text.h"

namespace mete::enforcers {
namespace {

constexpr std::int64_t kMilliPerCore = 1000;
constexpr unsigned kMaxCpus = 8192;  // CONFIG_NR_CPUS at its largest

}  // namespace

Result<std::size_t> whole_cores(const config::PodSpec& pod, const config::Container& container) {
  if (qos_of(pod) != QosClass::kGuaranteed)
    return fail("its pod is not Guaranteed: every container needs CPU and memory limits, and requests that equal them");
  const auto asked = container.resources.requests.cpu.value_or(MilliCpu(0)).count();
  if (asked < kMilliPerCore || asked % kMilliPerCore != 0)
    return fail("it asks for " + std::to_string(asked) + "m of CPU, expected whole cores");
  return static_cast<std::size_t>(asked / kMilliPerCore);
}

CoreAssignment::CoreAssignment(std::vector<Cpu> cpus, std::size_t reserved)
    : cpus_(std::move(cpus)), reserved_(std::max<std::size_t>(reserved, 1)) {
  std::sort(cpus_.begin(), cpus_.end(), [](const Cpu& a, const Cpu& b) { return a.number < b.number; });
  reserved_ = std::min(reserved_, cpus_.size());
}

bool CoreAssignment::is_free(unsigned number) const {
  return std::none_of(owners_.begin(), owners_.end(), [&](const auto& owner) {
    return std::find(owner.second.begin(), owner.second.end(), number) != owner.second.end();
  });
}

Result<std::vector<unsigned>> CoreAssignment::claim(const std::string& owner, std::size_t count) {
  if (auto held = of(owner); held.size() == count) return held;
  std::vector<Cpu> free;
  for (std::size_t i = reserved_; i < cpus_.size(); ++i) {
    // The owner's present CPUs count as free, because the new assignment replaces them.
    const auto own = of(owner);
    const bool its = std::find(own.begin(), own.end(), cpus_[i].number) != own.end();
    if (its || is_free(cpus_[i].number)) free.push_back(cpus_[i]);
  }
  if (free.size() < count) {
    return fail("it wants " + std::to_string(count) + " CPUs to itself, and " + std::to_string(free.size()) +
                " of the " + std::to_string(cpus_.size()) + " can be given away");
  }
  // Whole physical cores first, so that no other workload runs on the second thread of a core; then the lowest numbers.
  const auto threads = [&](const Cpu& cpu) {
    return std::count_if(free.begin(), free.end(), [&](const Cpu& each) { return each.core == cpu.core; });
  };
  std::vector<std::pair<std::ptrdiff_t, Cpu>> ranked;
  for (const Cpu& cpu : free) {
    const auto together = threads(cpu);
    ranked.emplace_back(static_cast<std::size_t>(together) <= count ? -together : together, cpu);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.core) < std::pair(b.first, b.second.core);
  });
  std::vector<unsigned> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(ranked[i].second.number);
  std::sort(chosen.begin(), chosen.end());
  return owners_[owner] = chosen;
}

bool CoreAssignment::adopt(const std::string& owner, const std::vector<unsigned>& cpus) {
  const bool fits = !cpus.empty() && std::all_of(cpus.begin(), cpus.end(), [&](unsigned number) {
    const auto at = std::find_if(cpus_.begin(), cpus_.end(), [&](const Cpu& cpu) { return cpu.number == number; });
    return at != cpus_.end() && static_cast<std::size_t>(at - cpus_.begin()) >= reserved_ && is_free(number);
  });
  if (fits) owners_[owner] = cpus;
  return fits;
}

bool CoreAssignment::release(const std::string& owner) {
  return owners_.erase(owner) > 0;
}

std::vector<unsigned> CoreAssignment::of(const std::string& owner) const {
  const auto at = owners_.find(owner);
  return at == owners_.end() ? std::vector<unsigned>() : at->second;
}

std::vector<unsigned> CoreAssignment::shared() const {
  std::vector<unsigned> left;
  for (const Cpu& cpu : cpus_) {
    if (is_free(cpu.number)) left.push_back(cpu.number);
  }
  return left;
}

std::string cpu_list_text(std::vector<unsigned> cpus) {
  std::sort(cpus.begin(), cpus.end());
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    text.append(text.empty() ? "" : ",").append(std::to_string(cpus[i]));
    if (last > i) text.append("-").append(std::to_string(cpus[last]));
    i = last + 1;
  }
  return text;
}

std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (std::string_view rest = runtime::cgroup::trim(text); !rest.empty();) {
    std::string_view part = runtime::cgroup::next_part(rest, ',');
    const bool range = part.find('-') != std::string_view::npos;
    const auto first = runtime::cgroup::parse_u64(runtime::cgroup::next_part(part, '-'));
    const auto last = !range ? first : runtime::cgroup::parse_u64(part);
    if (!first || !last || *last >= kMaxCpus || *first > *last) return std::nullopt;
    for (auto number = *first; number <= *last; ++number) cpus.push_back(static_cast<unsigned>(number));
  }
  return cpus;
}

}  // namespace mete::enforcers
