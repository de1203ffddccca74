// SPDX-License-Identifier: Apache-2.0
// Docker's healthchecks: what a client and an image ask for, and what the answers of the probes come to. Pure.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/docker/container/record.h"

namespace mete::agent::docker {

// Config.Healthcheck, completed by docker's defaults.
struct HealthPlan {
  std::vector<std::string> command;
  std::chrono::nanoseconds interval{0};        // from the end of one probe to the next
  std::chrono::nanoseconds timeout{0};         // of one
  std::chrono::nanoseconds start_period{0};    // from the start: what fails in it does not count
  std::chrono::nanoseconds start_interval{0};  // in place of interval, until then
  int retries = 0;                             // in a row, to be unhealthy
};
// Empty: there is none, or it is switched off (NONE).
[[nodiscard]] std::optional<HealthPlan> health_plan(const Json& config);

// The client's, completed by the image's; null: neither has one. The error has docker's words.
[[nodiscard]] Result<Json> merged_healthcheck(const Json& asked, const Json& of_image);

struct ProbeAnswer {
  enforcers::WallTime start{};
  enforcers::WallTime end{};
  int exit_code = 0;  // -1: no answer in time
  std::string output;
};

struct HealthState {
  static constexpr std::size_t kKept = 5;
  std::string status = "starting";  // "healthy", "unhealthy"
  int failing = 0;                  // probes in a row
  std::deque<ProbeAnswer> log;      // the last kKept

  // `age`: of the container when the probe began. True: the status is another one now.
  bool add(ProbeAnswer answer, const HealthPlan& plan, std::chrono::nanoseconds age);
  // "health: starting", "healthy", as in the list of containers.
  [[nodiscard]] std::string shown() const { return status == "starting" ? "health: starting" : status; }
};
// From the end of the last probe, or from the start, to the next one.
[[nodiscard]] std::chrono::nanoseconds next_interval(const HealthState& state, const HealthPlan& plan,
                                                     std::chrono::nanoseconds age);

// State.Health of inspect.
[[nodiscard]] Json to_json(const HealthState& state);

}  // namespace mete::agent::docker
