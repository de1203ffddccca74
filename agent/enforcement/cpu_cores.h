// SPDX-License-Identifier: Apache-2.0
// Which containers have CPUs to themselves (cpu.exclusive of a policy), and which CPUs all other containers share. The
// containers' records hold the assignments; a restarted agent builds this object from them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "config/base/result.h"
#include "config/base/units.h"
#include "enforcers/core_assignment.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::agent {

class CpuCores {
 public:
  explicit CpuCores(asio::io_context& loop) : loop_(loop) {}

  // Reads which CPUs the parent cgroup of all pods has. An error: the machine has no cpuset controller; then no
  // container gets CPUs of its own.
  [[nodiscard]] Status open(const runtime::cgroup::Hierarchies& hierarchies, const std::string& parent,
                            MilliCpu reserved);
  // `callback` is called from the loop, some time after the set of shared CPUs has changed.
  void on_changed(std::function<void()> callback) { changed_ = std::move(callback); }

  // See enforcers::CoreAssignment.
  [[nodiscard]] Result<std::vector<unsigned>> claim(const std::string& owner, std::size_t count);
  [[nodiscard]] bool adopt(const std::string& owner, const std::vector<unsigned>& cpus);
  void release(const std::string& owner);

  // The CPUs for containers without CPUs of their own. Empty: no container has ever had its own, so nothing needs to be
  // written.
  [[nodiscard]] std::string shared() const;
  // All CPUs there are; empty without a cpuset controller.
  [[nodiscard]] const std::string& all() const { return all_; }

 private:
  void report();

  asio::io_context& loop_;
  std::optional<enforcers::CoreAssignment> cores_;
  std::string all_;
  bool used_ = false;
  bool told_ = false;  // changed_ is scheduled, and not called yet
  std::function<void()> changed_;
  Alive alive_;
};

}  // namespace mete::agent
