// SPDX-License-Identifier: Apache-2.0
// The metric families that the agent writes itself, besides those of collectors/metrics/family.h: for `mete metrics`
// and docs/metrics.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "collectors/exposition/exposition.h"
#include "collectors/kernel/machine.h"

namespace mete::agent {

struct OwnFamily {
  std::string_view name;
  collectors::MetricType type;
  std::string_view labels;
  std::string_view help;
};

// The families of collector "agent".
[[nodiscard]] std::span<const OwnFamily> own_families();
// The family with that name, which must be in the table: names, types and HELP texts stand only there.
[[nodiscard]] const OwnFamily& own_family(std::string_view name);
[[nodiscard]] collectors::FamilyWriter own_writer(std::string& out, std::string_view name, collectors::Format format);

// Writes cadvisor_version_info: machine and program, with the labels that queries for cAdvisor join on.
void write_version(std::string& out, const collectors::Machine& machine, collectors::Format format);

}  // namespace mete::agent
