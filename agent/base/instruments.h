// SPDX-License-Identifier: Apache-2.0
// The agent's own metrics, kept by prometheus-cpp: few series, counted where the events happen.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "collectors/exposition/exposition.h"
#include "collectors/exposition/native_histogram.h"

namespace mete::agent {

class Instruments {
 public:
  Instruments();

  void enforcement(const std::string& enforcer, const std::string& action, const std::string& outcome);
  void reaction(const std::string& enforcer, std::chrono::nanoseconds from_event_to_done);
  void drift(const std::string& file);
  void loop_lag(std::chrono::nanoseconds lag);
  void request(const std::string& handler, int code);
  // "limit", "auth", "rate", "slow", "tls"
  void refused(const std::string& why);
  void scrape(std::chrono::nanoseconds took);
  void probe_late(std::chrono::nanoseconds late);
  void launch(std::chrono::nanoseconds from_request_to_exec);
  // `receiver` is its address. `sent`: alerts in messages that it took; failed: messages that it did not take.
  void alerts_sent(const std::string& receiver, std::size_t alerts);
  void alerts_failed(const std::string& receiver);
  void alerts_dropped(const std::string& receiver, std::size_t alerts);
  void alerts_now(std::size_t pending, std::size_t firing);
  void alert_evaluation(std::chrono::nanoseconds took, std::size_t failed);
  void alert_store(std::size_t series, std::size_t bytes);

  // Appends all of them as text; callable from any thread.
  void write(std::string& out, collectors::Format format) const;

 private:
  // A family's histogram with and without fixed buckets. `labels`: as a LabelBlock renders them.
  void observe(prometheus::Histogram& classic, std::string_view family, const std::string& labels,
               std::chrono::nanoseconds time);

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& actions_;
  prometheus::Family<prometheus::Histogram>& reactions_;
  prometheus::Family<prometheus::Counter>& drifts_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& refusals_;
  prometheus::Family<prometheus::Counter>& alerts_sent_;
  prometheus::Family<prometheus::Counter>& alerts_failed_;
  prometheus::Family<prometheus::Counter>& alerts_dropped_;
  prometheus::Family<prometheus::Gauge>& alerts_now_;
  prometheus::Family<prometheus::Gauge>& alert_series_;
  prometheus::Family<prometheus::Gauge>& alert_bytes_;
  prometheus::Family<prometheus::Counter>& alert_time_;
  prometheus::Family<prometheus::Counter>& alert_failures_;
  prometheus::Histogram& lag_;
  prometheus::Histogram& scrapes_;
  prometheus::Histogram& launches_;
  prometheus::Histogram& probes_late_;
  mutable std::mutex mutex_;                                    // of natives_
  std::map<std::string, collectors::NativeHistogram> natives_;  // by FAMILY{LABELS}
};

}  // namespace mete::agent
