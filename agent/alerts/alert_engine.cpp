// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alert_engine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "collectors/metrics/exposition_stream.h"

namespace mete::agent {
namespace {

namespace promql = collectors::promql;
using promql::Lane;

std::chrono::nanoseconds thread_time() {
  struct timespec now {};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

template <class... Values>
std::string printed(const char* format, Values... values) {
  std::array<char, 128> text{};
  (void)std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

std::string duration_text(double value) {
  const double size = std::abs(value);
  if (value == 0) return "0s";
  if (!std::isfinite(value)) return printed("%.4g", value);
  if (size < 1) {
    constexpr std::array<const char*, 5> kPrefixes = {"", "m", "u", "n", "p"};
    std::size_t prefix = 0;
    for (; prefix + 1 < kPrefixes.size() && std::abs(value) < 1; ++prefix) value *= 1000;
    return printed("%.4g%ss", value, kPrefixes.at(prefix));
  }
  const char* const sign = value < 0 ? "-" : "";
  if (size < 60) return printed("%s%.4gs", sign, size);
  const auto whole = static_cast<long long>(std::min(size, 9e15));
  const long long days = whole / 86400;
  const long long hours = whole / 3600 % 24;
  const long long minutes = whole / 60 % 60;
  if (days > 0) return printed("%s%lldd %lldh %lldm %llds", sign, days, hours, minutes, whole % 60);
  if (hours > 0) return printed("%s%lldh %lldm %llds", sign, hours, minutes, whole % 60);
  return printed("%s%lldm %llds", sign, minutes, whole % 60);
}

}  // namespace

std::string alert_number(double value, const std::string& unit) {
  if (unit == "ratio") return printed("%.4g%%", value * 100);
  if (unit == "seconds") return duration_text(value);
  if (unit == "cores") return printed("%.3f cores", value);
  if (unit == "pages a second") return printed("%.0f a second", value);
  return printed("%.3g", value);
}

AlertEngine::AlertEngine(AlertTable table, std::string instance)
    : table_(std::move(table)),
      instance_(std::move(instance)),
      store_(table_.selectors, counted_families(), {{"job", "mete"}, {"instance", instance_}}) {}

std::size_t AlertEngine::counted_moments() const {
  const auto& moments = store_.moments(Lane::kCounted);
  return moments.end() - moments.first();
}

// What is counted comes from `counted`, also with a reading: the reading's own may be older than the last sampling.
void AlertEngine::take(const std::shared_ptr<const collectors::Reading>& reading, bool counted) {
  if (!reading) return;
  collectors::ExpositionStream stream(reading, collectors::Format::kText,
                                      [&](const collectors::Family& family) {
                                        const auto* const wanted = store_.family(family.name);
                                        return wanted != nullptr && (wanted->lane == Lane::kCounted) == counted;
                                      },
                                      {});
  for (auto text = stream.next(); !text.empty(); text = stream.next()) store_.add_text(text);
}

std::optional<AlertsFound> AlertEngine::sample(const Input& input) {
  const auto begin = thread_time();
  auto result = sampled(input);
  last_cost_ = thread_time() - begin;
  if (result) result->cost = last_cost_;
  return result;
}

std::optional<AlertsFound> AlertEngine::sampled(const Input& input) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(input.at.time_since_epoch()).count();
  last_ = std::max<promql::Time>(ms, last_ + 1);
  AlertsFound result;
  result.all = input.reading != nullptr;
  if (result.all) {
    // Numbers of label sets in what is recorded do not survive it.
    recorded_.clear();
    store_.compact();
  }
  store_.begin(result.all ? Lane::kRead : Lane::kCounted, last_);
  take(input.reading, false);
  take(input.counted, true);
  store_.add_text(input.own);
  store_.add_text("up 1\n");
  if (!store_.end() && !result.all) return std::nullopt;
  evaluate(input, result);
  result.stored = result.all ? store_.size() : promql::SampleStore::Size();
  return result;
}

void AlertEngine::evaluate(const Input& input, AlertsFound& result) {
  const auto wall = std::chrono::duration<double>(input.wall.time_since_epoch()).count();
  const double clock = wall - static_cast<double>(last_) / 1000;
  for (const auto& value : table_.values) {
    if (!result.all && !value.counted) continue;
    auto vector = promql::evaluate_rule(*value.expression, {store_, recorded_, last_, clock});
    if (!vector) result.failures.push_back(value.record + ": " + vector.error().what);
    recorded_[value.record] = vector ? std::move(*vector) : promql::Vector();
  }
  for (std::size_t i = 0; i < table_.rules.size(); ++i) {
    const auto& rule = table_.rules[i];
    if (!result.all && !rule.counted) continue;
    const auto vector = promql::evaluate_rule(*rule.expression, {store_, recorded_, last_, clock});
    if (!vector) {
      result.failures.push_back(rule.name + ": " + vector.error().what);
      continue;
    }
    add_found(i, *vector, result);
  }
}

void AlertEngine::add_found(std::size_t rule, const promql::Vector& vector, AlertsFound& result) {
  for (const auto& point : vector) {
    result.found.push_back(
        {rule, store_.labels().labels(point.labels), point.value, numbers_of(table_.rules[rule], point.labels)});
  }
}

std::string AlertEngine::numbers_of(const AlertRule& rule, promql::LabelsId of) {
  std::string text;
  auto& labels = store_.labels();
  for (const auto index : rule.numbers) {
    const AlertValue& value = table_.values[index];
    const auto wanted = labels.keep(of, labels.list(value.labels));
    const auto& vector = recorded_[value.record];
    const auto found =
        std::find_if(vector.begin(), vector.end(), [&](const auto& point) { return point.labels == wanted; });
    text.append(text.empty() ? "" : "\n").append(value.what).append(": ");
    text += found == vector.end() ? "not known" : alert_number(found->value, value.unit);
  }
  return text;
}

}  // namespace mete::agent
