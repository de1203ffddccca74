// SPDX-License-Identifier: Apache-2.0
// Pressure stall information of a cgroup2 directory; on hybrid of the twin, which needs no controllers for it.
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {

bool parse_pressure(std::string_view text, PressureSample& into) {
  bool understood = false;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view kind = next_word(line);
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      if (next_part(word, '=') != "total") continue;
      const auto total = parse_u64(word);
      if (!total) continue;
      if (kind == "some") into.some = to_time(*total, kMicrosecond);
      if (kind == "full") into.full = to_time(*total, kMicrosecond);
      understood = true;
    }
  }
  return understood;
}

namespace {

template <PressureSample Sample::*kMember>
bool pressure(std::string_view text, Sample& into) {
  return parse_pressure(text, into.*kMember);
}

constexpr std::array<SourceFile, 4> kFiles = {{
    {Where::kUnified, "", "cpu.pressure", pressure<&Sample::cpu_pressure>, When::kWaiting},
    {Where::kUnified, "", "memory.pressure", pressure<&Sample::memory_pressure>, When::kWaiting},
    {Where::kUnified, "", "io.pressure", pressure<&Sample::io_pressure>, When::kWaiting},
    {Where::kUnified, "", "irq.pressure", pressure<&Sample::irq_pressure>, When::kWaiting},
}};

}  // namespace

std::span<const SourceFile> pressure_files() {
  return kFiles;
}

}  // namespace mete::collectors
