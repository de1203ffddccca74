// SPDX-License-Identifier: Apache-2.0
// CPUs that containers have to themselves (cpu.exclusive of a policy), and the CPUs that all others share. What was
// given away is in the containers' records; this is made again from them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "config/result.h"
#include "config/units.h"
#include "enforcers/core_assignment.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::agent {

class CpuCores {
 public:
  explicit CpuCores(asio::io_context& loop) : loop_(loop) {}

  // Looks at the CPUs of the cgroup below which all pods are. The error: there is no cpuset controller, and nobody gets
  // any.
  [[nodiscard]] Status open(const runtime::cgroup::Hierarchies& hierarchies, const std::string& parent,
                            MilliCpu reserved);
  // Called from the loop, some time after who shares which CPUs has changed.
  void on_changed(std::function<void()> callback) { changed_ = std::move(callback); }

  // As enforcers::CoreAssignment has it.
  [[nodiscard]] Result<std::vector<unsigned>> claim(const std::string& owner, std::size_t count);
  [[nodiscard]] bool adopt(const std::string& owner, const std::vector<unsigned>& cpus);
  void release(const std::string& owner);

  // What a container without any of its own may run on; empty: nobody has had any, and nothing is written.
  [[nodiscard]] std::string shared() const;
  // All CPUs there are; empty without a cpuset controller.
  [[nodiscard]] const std::string& all() const { return all_; }

 private:
  void report();

  asio::io_context& loop_;
  std::optional<enforcers::CoreAssignment> cores_;
  std::string all_;
  bool used_ = false;
  bool told_ = false;  // and not called yet
  std::function<void()> changed_;
  Alive alive_;
};

}  // namespace mete::agent
