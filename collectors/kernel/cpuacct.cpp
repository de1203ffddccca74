// SPDX-License-Identifier: Apache-2.0
// Controller cpuacct (v1 only): CPU time used.
#include <unistd.h>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

bool usage(std::string_view text, Sample& into) {
  const auto number = parse_u64(trim(text));
  if (number) into.cpu.usage = to_time(*number, 1);
  return number.has_value();
}

// In ticks of USER_HZ, whatever the kernel's own HZ.
std::uint64_t tick() {
  static const std::uint64_t length = 1'000'000'000U / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return length;
}

bool stat(std::string_view text, Sample& into) {
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    if (key == "user") into.cpu.user = to_time(number, tick());
    if (key == "system") into.cpu.system = to_time(number, tick());
  });
}

bool per_cpu(std::string_view text, Sample& into) {
  into.cpu.per_cpu.clear();
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    const auto number = parse_u64(word);
    if (!number) return false;
    into.cpu.per_cpu.push_back(to_time(*number, 1));
  }
  return !into.cpu.per_cpu.empty();
}

constexpr std::array<SourceFile, 2> kFiles = {{
    {Where::kV1, "cpuacct", "cpuacct.usage", usage},
    {Where::kV1, "cpuacct", "cpuacct.stat", stat, When::kRunning},
}};
constexpr std::array<SourceFile, 1> kPerCpu = {{
    {Where::kV1, "cpuacct", "cpuacct.usage_percpu", per_cpu, When::kRunning},
}};

}  // namespace

std::span<const SourceFile> cpuacct_files() {
  return kFiles;
}
std::span<const SourceFile> percpu_files() {
  return kPerCpu;
}

}  // namespace mete::collectors
