// SPDX-License-Identifier: Apache-2.0
// What a container is doing, in docker's words. Pure.
#pragma once

#include <string>

#include "agent/docker/container/record.h"
#include "agent/pods/record/pod_record.h"

namespace mete::agent::docker {

struct State {
  std::string status = "created";  // created, running, paused, restarting, removing, exited
  bool running = false;            // also while it is paused or restarted
  bool paused = false;
  bool restarting = false;
  bool removing = false;
  bool out_of_memory = false;
  bool failed = false;  // the last start came to nothing
  int exit_code = 0;
  std::uint32_t restarts = 0;
  pid_t pid = 0;
  WallTime started{};
  WallTime finished{};

  [[nodiscard]] bool has_process() const { return running && !restarting; }
};

// `pod` has one container.
[[nodiscard]] State state_of(const PodRecord& pod, bool paused);

// "Up 2 minutes", "Exited (5) About a minute ago", "Created"
[[nodiscard]] std::string status_text(const State& state, WallTime now);

// go-units' HumanDuration: "Less than a second", "About an hour", "3 weeks".
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds duration);

// RFC 3339 with nanoseconds; "0001-01-01T00:00:00Z" for never.
[[nodiscard]] std::string time_text(WallTime at);

}  // namespace mete::agent::docker
