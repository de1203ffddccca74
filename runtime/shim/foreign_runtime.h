// SPDX-License-Identifier: Apache-2.0
// Lets another OCI runtime make the container of a shim, which becomes its parent all the same: the runtime's program
// ends when it has made the container, and what it leaves is handed to the nearest subreaper (prctl(2)).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/limits/kept_settings.h"
#include "runtime/fd.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/plan/foreign_plans.h"
#include "runtime/shim/attempt_files.h"

namespace mete::runtime::shim {

class ForeignRuntime {
 public:
  // `command`: the container's, to tell what an error is about. `joined`: see ShimPlan.
  ForeignRuntime(process::ForeignPlans plans, std::string directory, std::string command)
      : plans_(std::move(plans)), directory_(std::move(directory)), command_(std::move(command)) {}

  // Empty: mete makes the container itself.
  [[nodiscard]] static Result<std::optional<ForeignRuntime>> find(const AttemptFiles& files, std::string command);

  // Creates the container, and starts it. With `terminal` that takes the container's terminal; else the standard
  // streams are given. `own`: the container's own plan. The error is the runtime's last one, and its code ENOENT,
  // EACCES or 0, as launch() has it; nothing of the container is left then, and no cgroup where
  // the runtime has removed it, as runc does. Takes at most 27 s.
  [[nodiscard]] Result<process::Launched> run(const process::Plan& own, const process::LaunchOptions& streams,
                                              const std::function<Status(UniqueFd)>& terminal);

  // After the container's end: the runtime removes what it has of it, in at most 7 s. What remains all the same is in
  // the attempt's directory.
  void remove();

 private:
  using Clock = std::chrono::steady_clock;
  Status create(const process::LaunchOptions& streams, const std::function<Status(UniqueFd)>& terminal,
                Clock::time_point deadline);
  Status run_program(const process::Plan& plan, const process::LaunchOptions& streams, const char* what,
                     Clock::time_point deadline);
  // Waits for the program's end. `socket`: who connects there hands over the terminal.
  Status await(const process::Launched& program, const char* what, Clock::time_point deadline, const UniqueFd& socket,
               UniqueFd& terminal);
  [[nodiscard]] tl::unexpected<Error> in_runtime(const Error& error) const;
  [[nodiscard]] Error failure(const char* what, const std::string& otherwise) const;
  [[nodiscard]] Result<process::Launched> find_container() const;
  // Its place, limits and devices, whatever the runtime has made of them.
  [[nodiscard]] Status hold_cgroup(const cgroup::Group& group, const cgroup::KeptSettings& limits, pid_t pid) const;

  process::ForeignPlans plans_;
  std::string directory_;
  std::string command_;
};

}  // namespace mete::runtime::shim
