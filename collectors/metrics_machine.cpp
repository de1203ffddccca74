// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "collectors/family.h"

namespace mete::collectors {
namespace {

constexpr auto kGauge = MetricType::kGauge;

constexpr std::array<MachineFamily, 3> kFamilies = {{
    {"machine", "machine_cpu_cores", kGauge, "Online logical CPUs", "", "/proc/stat",
     [](Lines& out, const Machine& machine) { out.add(machine.cores); }},
    {"machine", "machine_memory_bytes", kGauge, "Memory of the machine", "", "/proc/meminfo MemTotal",
     [](Lines& out, const Machine& machine) { out.add(machine.memory); }},
    {"machine", "machine_swap_bytes", kGauge, "Swap of the machine", "", "/proc/meminfo SwapTotal",
     [](Lines& out, const Machine& machine) { out.add(machine.swap); }},
}};

}  // namespace

std::span<const MachineFamily> machine_families() {
  return kFamilies;
}

void write_machine(std::string& out, const Machine& machine, Format format) {
  const LabelBlock none;
  for (const MachineFamily& family : machine_families()) {
    const std::string help = help_of(family);
    FamilyWriter writer(out, family.name, help, family.type, format);
    Lines lines(writer, none);
    family.write(lines, machine);
  }
}

}  // namespace mete::collectors
