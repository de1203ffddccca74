// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/health.h"

#include "agent/docker/container/state.h"

namespace mete::agent::docker {
namespace {

using std::chrono::nanoseconds;

constexpr auto kUsualInterval = std::chrono::seconds(30);
constexpr auto kUsualTimeout = std::chrono::seconds(30);
constexpr auto kUsualStartInterval = std::chrono::seconds(5);
constexpr int kUsualRetries = 3;

nanoseconds time_of(const Json& check, const char* name, nanoseconds usual) {
  const std::int64_t value = number_of(check, name);
  return value == 0 ? usual : nanoseconds(value);
}

Status check_times(const Json& check) {
  constexpr std::int64_t kLeast = 1'000'000;
  for (const char* name : {"Interval", "Timeout", "StartPeriod", "StartInterval"}) {
    const std::int64_t value = number_of(check, name);
    if (value != 0 && value < kLeast) return fail(std::string(name) + " in Healthcheck cannot be less than 1ms");
  }
  if (number_of(check, "Retries") < 0) return fail("Retries in Healthcheck cannot be negative");
  return {};
}

Status check_test(const std::vector<std::string>& test) {
  if (test.empty() || test.front() == "NONE") return {};
  if (test.front() != "CMD" && test.front() != "CMD-SHELL")
    return fail("Unknown healthcheck type '" + test.front() + "' (expected 'CMD')");
  if (test.size() < 2 || test[1].empty()) return fail("Healthcheck: found " + test.front() + " without a command");
  return {};
}

}  // namespace

Result<Json> merged_healthcheck(const Json& asked, const Json& of_image) {
  if (is_nothing(asked)) return of_image;
  METE_CHECK(check_times(asked));
  METE_CHECK(check_test(words_of(asked, "Test")));
  if (is_nothing(of_image)) return words_of(asked, "Test").empty() ? Json() : asked;
  Json merged = asked;
  for (const auto& [name, value] : of_image.items()) {
    if (is_nothing(field(merged, name.c_str()))) merged[name] = value;
  }
  return merged;
}

std::optional<HealthPlan> health_plan(const Json& config) {
  const Json& check = field(config, "Healthcheck");
  auto test = words_of(check, "Test");
  if (test.size() < 2 || test.front() == "NONE") return std::nullopt;
  HealthPlan plan;
  if (test.front() == "CMD-SHELL") plan.command = {"/bin/sh", "-c"};
  plan.command.insert(plan.command.end(), test.begin() + 1, test.end());
  plan.interval = time_of(check, "Interval", kUsualInterval);
  plan.timeout = time_of(check, "Timeout", kUsualTimeout);
  plan.start_period = time_of(check, "StartPeriod", nanoseconds(0));
  plan.start_interval = time_of(check, "StartInterval", kUsualStartInterval);
  const std::int64_t retries = number_of(check, "Retries");
  plan.retries = retries == 0 ? kUsualRetries : static_cast<int>(std::min<std::int64_t>(retries, 1'000'000));
  return plan;
}

bool HealthState::add(ProbeAnswer answer, const HealthPlan& plan, nanoseconds age) {
  const std::string before = status;
  if (answer.exit_code == 0) {
    failing = 0;
    status = "healthy";
  } else if (status != "starting" || age >= plan.start_period) {
    if (++failing >= plan.retries) status = "unhealthy";
  }
  log.push_back(std::move(answer));
  if (log.size() > kKept) log.pop_front();
  return status != before;
}

nanoseconds next_interval(const HealthState& state, const HealthPlan& plan, nanoseconds age) {
  return state.status == "starting" && age < plan.start_period ? plan.start_interval : plan.interval;
}

Json to_json(const HealthState& state) {
  Json log = Json::array();
  for (const auto& each : state.log) {
    log.push_back({{"Start", time_text(each.start)},
                   {"End", time_text(each.end)},
                   {"ExitCode", each.exit_code},
                   {"Output", each.output}});
  }
  return {{"Status", state.status}, {"FailingStreak", state.failing}, {"Log", std::move(log)}};
}

}  // namespace mete::agent::docker
