// SPDX-License-Identifier: Apache-2.0
// Controller cpuset: on how many CPUs the group may run.
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

// "0-3,8,10-11". More CPUs than any kernel can have are no list of CPUs.
constexpr std::uint64_t kMostCpus = 1U << 16U;

bool effective(std::string_view text, Sample& into) {
  const auto count = count_of_list(trim(text));
  if (!count || *count > kMostCpus) return false;
  into.cpu.cpuset_cpus.reset();
  // Empty on v1 until someone sets it, and where no CPU is left: neither gives a number of CPUs.
  if (*count > 0) into.cpu.cpuset_cpus = count;
  return true;
}

constexpr std::array<SourceFile, 2> kFiles = {{
    {Where::kV1, "cpuset", "cpuset.effective_cpus", effective, When::kSetting},
    {Where::kV2, "cpuset", "cpuset.cpus.effective", effective, When::kSetting},
}};

}  // namespace

std::span<const SourceFile> cpuset_files() {
  return kFiles;
}

std::optional<std::uint64_t> count_of_list(std::string_view list) {
  std::uint64_t count = 0;
  while (!list.empty()) {
    std::string_view range = next_part(list, ',');
    const bool single = range.find('-') == std::string_view::npos;
    const auto first = parse_u64(next_part(range, '-'));
    const auto last = single ? first : parse_u64(range);
    if (!first || !last || *last < *first || *last > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    count += *last - *first + 1;
  }
  return count;
}

}  // namespace mete::collectors
