// SPDX-License-Identifier: Apache-2.0
// Applies agent.yaml's machine.ioCost to the root cgroup while the agent runs. The previous values are stored first,
// and restored at the end.
#pragma once

#include <optional>
#include <string>

#include "agent/base/services.h"
#include "agent/foreign/ledger.h"

namespace mete::agent {

class IoCostEnforcer {
 public:
  explicit IoCostEnforcer(Services& services) : services_(services) {}

  [[nodiscard]] static std::string ledger_file(const Settings& settings) { return settings.state + "/io-cost.json"; }

  // Restores what an agent that died has left, then writes the values of agent.yaml. Unsupported settings are reported.
  [[nodiscard]] Status open();
  void release();

 private:
  void write(const config::IoCost& cost, const runtime::cgroup::Group& root);
  void not_enforced(const std::string& why);

  Services& services_;
  std::optional<Ledger> ledger_;
};

}  // namespace mete::agent
