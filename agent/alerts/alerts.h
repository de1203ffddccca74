// SPDX-License-Identifier: Apache-2.0
// `mete agent --alerts`: the alerts of dashboards/src/alerts.yaml without a Prometheus. All counters are read every 15
// s (alerts.interval), and the rules evaluated on the collecting thread. What the agent itself counts is looked at as
// soon as there is an event, without a reading: an OOM kill is told at once.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <vector>

#include "agent/alerts/alert_engine.h"
#include "agent/alerts/alert_senders.h"
#include "agent/alerts/alert_states.h"
#include "agent/alerts/look_budget.h"
#include "agent/base/services.h"
#include "agent/export/collecting_thread.h"
#include "agent/export/exporter.h"
#include "agent/pods/reconciler.h"

namespace mete::agent {

class Alerts {
 public:
  Alerts(Services& services, const Reconciler& reconciler, Exporter& exporter, CollectingThread& collecting);
  ~Alerts();
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  // The error names an alert in agent.yaml that there is not, or a file that cannot be read.
  [[nodiscard]] Status open();
  void start();
  // In the shape of Prometheus' GET /api/v1/alerts.
  [[nodiscard]] nlohmann::ordered_json as_json() const;

 private:
  void read_later();
  void read_all();
  void look_soon();
  void look_at_counted();
  void evaluate(AlertEngine::Input input);
  void looked(std::chrono::nanoseconds cost);
  void see(const AlertsFound& found, AlertMoment now);
  void report(const AlertStates::Changes& changes);
  void report(const std::vector<std::string>& failures);
  void restore();
  void save();

  Services& services_;
  const Reconciler& reconciler_;
  Exporter& exporter_;
  CollectingThread& collecting_;
  const config::AlertPolicy& policy_;
  AlertTable table_;                     // the loop's own
  std::shared_ptr<AlertEngine> engine_;  // belongs to the collecting thread once it was made
  std::unique_ptr<AlertStates> states_;
  std::vector<std::unique_ptr<AlertmanagerSender>> alertmanagers_;
  std::vector<std::unique_ptr<WebhookSender>> webhooks_;
  std::optional<EventLog::Handle> listener_;
  std::set<std::string> failed_;  // rules whose failure was reported
  bool save_failed_ = false;
  // Of what is counted: one look at a time.
  bool looking_ = false;
  bool look_again_ = false;
  LookBudget look_budget_;
  Timer reading_, look_;
  Alive alive_;
};

}  // namespace mete::agent
