// SPDX-License-Identifier: Apache-2.0
// Alerts as JSON: for an Alertmanager, a webhook, the API, and the file that is kept over a restart. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/alert_groups.h"
#include "agent/alerts/alert_states.h"

namespace mete::agent {

// The body of POST /api/v2/alerts: those that fire end at `until` unless they are sent again.
[[nodiscard]] std::string alertmanager_json(const std::vector<const Alert*>& firing, const std::vector<Alert>& resolved,
                                            enforcers::WallTime until, const AlertTable& table);
// An Alertmanager's webhook message, version 4.
[[nodiscard]] std::string webhook_json(const AlertMessage& message, const AlertTable& table);
// The answer of Prometheus' GET /api/v1/alerts.
[[nodiscard]] nlohmann::ordered_json alerts_json(const std::vector<const Alert*>& alerts, const Inhibited& inhibited,
                                                 const AlertTable& table);

// What outlives the agent: the alerts that fire, and what each webhook was told.
struct KeptAlerts {
  std::vector<Alert> firing;
  std::vector<std::pair<std::string, AlertGroups::Told>> told;  // by address
};
[[nodiscard]] std::string to_json(const KeptAlerts& kept, AlertMoment now);
// The error says what is wrong with the text.
[[nodiscard]] Result<KeptAlerts> parse_kept_alerts(const std::string& text, AlertMoment now);

}  // namespace mete::agent
