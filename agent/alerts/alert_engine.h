// SPDX-License-Identifier: Apache-2.0
// Evaluates the rules of the alerts. It takes samples, and returns the conditions that are true now. It belongs to the
// collecting thread, and has neither a clock nor the state of an alert.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/alerts/alert_table.h"
#include "collectors/promql/evaluate.h"
#include "collectors/reading.h"

namespace mete::agent {

// A condition that holds for one thing.
struct AlertFound {
  std::size_t rule = 0;               // index in the table
  collectors::promql::Labels labels;  // of the result: job, instance, ...
  double value = 0;                   // of the first condition
  std::string numbers;                // lines "what: value"
};

struct AlertsFound {
  bool all = false;  // all rules were evaluated; else those of what is counted
  std::vector<AlertFound> found;
  std::vector<std::string> failures;  // rules that could not be evaluated, with the reason
  std::chrono::nanoseconds cost{};    // CPU time
  collectors::promql::SampleStore::Size stored;
};

class AlertEngine {
 public:
  AlertEngine(AlertTable table, std::string instance);

  // What one sampling is made of. `reading`: of all counters; null: only what is counted is sampled.
  struct Input {
    std::shared_ptr<const collectors::Reading> reading;
    std::shared_ptr<const collectors::Reading> counted;  // series with what the agent itself knows
    std::string own;                                     // families of the agent as text 0.0.4
    std::chrono::steady_clock::time_point at;
    std::chrono::system_clock::time_point wall;  // the same moment
  };
  // Empty: nothing that is counted has changed, and nothing was evaluated.
  [[nodiscard]] std::optional<AlertsFound> sample(const Input& input);
  // How many moments of what is counted are stored.
  [[nodiscard]] std::size_t counted_moments() const;
  // CPU time of the last sampling, also of one that found nothing new.
  [[nodiscard]] std::chrono::nanoseconds last_cost() const { return last_cost_; }

  [[nodiscard]] const AlertTable& table() const { return table_; }

 private:
  [[nodiscard]] std::optional<AlertsFound> sampled(const Input& input);
  void take(const std::shared_ptr<const collectors::Reading>& reading, bool counted);
  void evaluate(const Input& input, AlertsFound& result);
  void add_found(std::size_t rule, const collectors::promql::Vector& vector, AlertsFound& result);
  [[nodiscard]] std::string numbers_of(const AlertRule& rule, collectors::promql::LabelsId labels);

  AlertTable table_;
  std::string instance_;
  collectors::promql::SampleStore store_;
  collectors::promql::Recorded recorded_;
  collectors::promql::Time last_ = 0;
  std::chrono::nanoseconds last_cost_{};
};

// "37.5%", "1.23 cores", "2m 5s", as the templates of mete-alerts.yml write them.
[[nodiscard]] std::string alert_number(double value, const std::string& unit);

}  // namespace mete::agent
