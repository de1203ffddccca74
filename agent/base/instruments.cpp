// SPDX-License-Identifier: Apache-2.0
#include "agent/base/instruments.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include "agent/base/agent_families.h"

namespace mete::agent {
namespace {

using collectors::MetricType;
using prometheus::Histogram;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

constexpr const char* kReaction = "mete_enforcement_reaction_seconds";
constexpr const char* kLag = "mete_agent_loop_lag_seconds";
constexpr const char* kScrape = "mete_agent_scrape_seconds";
constexpr const char* kLaunch = "mete_agent_launch_seconds";
constexpr const char* kProbeLateness = "mete_agent_probe_lateness_seconds";

const Histogram::BucketBoundaries kFast = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5};

// Takes name and HELP from the table of agent_families.h.
template <class Builder>
Builder described(Builder builder, std::string_view name) {
  return builder.Name(std::string(name)).Help(std::string(own_family(name).help));
}
prometheus::Family<prometheus::Counter>& counter(prometheus::Registry& registry, std::string_view name) {
  return described(prometheus::BuildCounter(), name).Register(registry);
}
Histogram& histogram(prometheus::Registry& registry, std::string_view name) {
  return described(prometheus::BuildHistogram(), name).Register(registry).Add({}, kFast);
}

MetricType type_of(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return MetricType::kCounter;
    case prometheus::MetricType::Gauge:
      return MetricType::kGauge;
    case prometheus::MetricType::Histogram:
      return MetricType::kHistogram;
    default:
      return MetricType::kUntyped;
  }
}

// `native`: the same as a histogram, if it is one.
void write_metric(collectors::FamilyWriter& writer, const collectors::LabelBlock& labels, prometheus::MetricType type,
                  const prometheus::ClientMetric& metric, const collectors::NativeHistogram& native) {
  if (type == prometheus::MetricType::Counter) return writer.add(labels, metric.counter.value);
  if (type == prometheus::MetricType::Gauge) return writer.add(labels, metric.gauge.value);
  if (type != prometheus::MetricType::Histogram) return;
  for (const auto& bucket : metric.histogram.bucket) {
    std::string bound = "le=\"";
    collectors::Value(bucket.upper_bound).append_to(bound);
    writer.add_suffixed("_bucket", labels, bucket.cumulative_count, bound + '"');
  }
  writer.add_suffixed("_sum", labels, metric.histogram.sample_sum);
  writer.add_native(native);
  writer.add_suffixed("_count", labels, metric.histogram.sample_count);
}

}  // namespace

Instruments::Instruments()
    : actions_(counter(registry_, "mete_enforcement_actions_total")),
      reactions_(described(prometheus::BuildHistogram(), kReaction).Register(registry_)),
      drifts_(counter(registry_, "mete_limit_drift_total")),
      requests_(counter(registry_, "mete_agent_http_requests_total")),
      refusals_(counter(registry_, "mete_agent_http_refused_total")),
      alerts_sent_(counter(registry_, "mete_alerts_sent_total")),
      alerts_failed_(counter(registry_, "mete_alerts_failed_total")),
      alerts_dropped_(counter(registry_, "mete_alerts_dropped_total")),
      alerts_now_(described(prometheus::BuildGauge(), "mete_alerts").Register(registry_)),
      alert_series_(described(prometheus::BuildGauge(), "mete_alerts_stored_series").Register(registry_)),
      alert_bytes_(described(prometheus::BuildGauge(), "mete_alerts_stored_bytes").Register(registry_)),
      alert_time_(counter(registry_, "mete_alerts_evaluation_seconds_total")),
      alert_failures_(counter(registry_, "mete_alerts_evaluation_failures_total")),
      lag_(histogram(registry_, kLag)),
      scrapes_(histogram(registry_, kScrape)),
      launches_(histogram(registry_, kLaunch)),
      probes_late_(histogram(registry_, kProbeLateness)) {
  described(prometheus::BuildGauge(), "mete_agent_build_info")
      .Register(registry_)
      .Add({{"version", METE_VERSION}})
      .Set(1);
}

void Instruments::observe(Histogram& classic, std::string_view family, const std::string& labels,
                          std::chrono::nanoseconds time) {
  classic.Observe(seconds(time));
  const std::lock_guard lock(mutex_);
  natives_[std::string(family) + "{" + labels].observe(seconds(time));
}

void Instruments::enforcement(const std::string& enforcer, const std::string& action, const std::string& outcome) {
  actions_.Add({{"enforcer", enforcer}, {"action", action}, {"outcome", outcome}}).Increment();
}
void Instruments::reaction(const std::string& enforcer, std::chrono::nanoseconds from_event_to_done) {
  observe(reactions_.Add({{"enforcer", enforcer}}, kFast), kReaction,
          collectors::LabelBlock{{"enforcer", enforcer}}.text(), from_event_to_done);
}
void Instruments::drift(const std::string& file) {
  drifts_.Add({{"file", file}}).Increment();
}
void Instruments::loop_lag(std::chrono::nanoseconds lag) {
  observe(lag_, kLag, {}, lag);
}
void Instruments::request(const std::string& handler, int code) {
  requests_.Add({{"handler", handler}, {"code", std::to_string(code)}}).Increment();
}
void Instruments::refused(const std::string& why) {
  refusals_.Add({{"reason", why}}).Increment();
}
void Instruments::scrape(std::chrono::nanoseconds took) {
  observe(scrapes_, kScrape, {}, took);
}
void Instruments::probe_late(std::chrono::nanoseconds late) {
  observe(probes_late_, kProbeLateness, {}, late);
}
void Instruments::launch(std::chrono::nanoseconds from_request_to_exec) {
  observe(launches_, kLaunch, {}, from_request_to_exec);
}
void Instruments::alerts_sent(const std::string& receiver, std::size_t alerts) {
  alerts_sent_.Add({{"receiver", receiver}}).Increment(static_cast<double>(alerts));
}
void Instruments::alerts_failed(const std::string& receiver) {
  alerts_failed_.Add({{"receiver", receiver}}).Increment();
}
void Instruments::alerts_dropped(const std::string& receiver, std::size_t alerts) {
  alerts_dropped_.Add({{"receiver", receiver}}).Increment(static_cast<double>(alerts));
}
void Instruments::alerts_now(std::size_t pending, std::size_t firing) {
  alerts_now_.Add({{"state", "pending"}}).Set(static_cast<double>(pending));
  alerts_now_.Add({{"state", "firing"}}).Set(static_cast<double>(firing));
}
void Instruments::alert_evaluation(std::chrono::nanoseconds took, std::size_t failed) {
  alert_time_.Add({}).Increment(seconds(took));
  alert_failures_.Add({}).Increment(static_cast<double>(failed));
}

void Instruments::alert_store(std::size_t series, std::size_t bytes) {
  alert_series_.Add({}).Set(static_cast<double>(series));
  alert_bytes_.Add({}).Set(static_cast<double>(bytes));
}

void Instruments::write(std::string& out, collectors::Format format) const {
  static const collectors::NativeHistogram kNoObservation;
  const std::lock_guard lock(mutex_);
  for (const auto& family : registry_.Collect()) {
    collectors::FamilyWriter writer(out, family.name, family.help, type_of(family.type), format);
    for (const auto& metric : family.metric) {
      collectors::LabelBlock labels;
      for (const auto& label : metric.label) labels.add(label.name, label.value);
      const auto native = natives_.find(family.name + "{" + labels.text());
      write_metric(writer, labels, family.type, metric, native == natives_.end() ? kNoObservation : native->second);
    }
  }
}

}  // namespace mete::agent
