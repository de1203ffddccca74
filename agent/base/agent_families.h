// SPDX-License-Identifier: Apache-2.0
// The metric families that the agent writes itself, besides those of collectors/family.h: for `mete metrics` and
// docs/metrics.md.
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

// Collector "agent".
[[nodiscard]] std::span<const OwnFamily> own_families();
// The one of that name, which is in the table: names, types and HELP texts are said there only.
[[nodiscard]] const OwnFamily& own_family(std::string_view name);
[[nodiscard]] collectors::FamilyWriter own_writer(std::string& out, std::string_view name, collectors::Format format);

// cadvisor_version_info: this machine and this program, by the labels that cAdvisor's users join with.
void write_version(std::string& out, const collectors::Machine& machine, collectors::Format format);

}  // namespace mete::agent
