// SPDX-License-Identifier: Apache-2.0
// agent.yaml's machine.ioCost on the root cgroup, for as long as the agent runs: what was there is written down before,
// and put back.
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

  // Puts back what an agent that died has left, then writes what agent.yaml says. What cannot be had is told.
  [[nodiscard]] Status open();
  void release();

 private:
  void write(const config::IoCost& cost, const runtime::cgroup::Group& root);
  void not_enforced(const std::string& why);

  Services& services_;
  std::optional<Ledger> ledger_;
};

}  // namespace mete::agent
