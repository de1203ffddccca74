// SPDX-License-Identifier: Apache-2.0
#include "config/model/policy_actions.h"

namespace mete::config {

std::string threshold_actions_table() {
  std::string table = "| `do` | what mete does | further fields |\n| --- | --- | --- |\n";
  for (const auto& row : kPolicyActions) {
    if (!row.at) continue;
    table.append("| `").append(row.name).append("` | ").append(row.does).append(" | ").append(row.fields);
    table += row.fields.empty() ? "|\n" : " |\n";
  }
  return table;
}

std::string oom_actions_table() {
  std::string table = "| `onOOM` | meaning |\n| --- | --- |\n";
  for (const auto name : kOnOomNames) {
    for (const auto& row : kPolicyActions) {
      if (row.name == name) table.append("| `").append(name).append("` | ").append(row.does_on_oom).append(" |\n");
    }
  }
  return table;
}

}  // namespace mete::config
