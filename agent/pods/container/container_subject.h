// SPDX-License-Identifier: Apache-2.0
// One of our containers as the enforcers see it.
#pragma once

#include "agent/enforcement/subject.h"

namespace mete::agent {

class Container;

class ContainerSubject : public Subject {
 public:
  explicit ContainerSubject(Container& container) : container_(container) {}

  [[nodiscard]] const runtime::cgroup::Group& cgroup() const override;
  [[nodiscard]] std::string shown() const override;
  [[nodiscard]] std::string pod_key() const override;
  [[nodiscard]] std::string container_name() const override;
  [[nodiscard]] const config::Policy* policy() const override;
  [[nodiscard]] std::optional<Bytes> memory_limit() const override;
  [[nodiscard]] std::optional<Bytes> original_limit() const override;
  void report(Severity severity, std::string reason, std::string message, EventFields fields) override;
  [[nodiscard]] Result<runtime::process::ProcessId> first_process() const override;
  [[nodiscard]] Status raise_memory_limit(Bytes to) override;
  [[nodiscard]] std::optional<runtime::cgroup::CpuBandwidth> own_cpu() const override;
  [[nodiscard]] std::optional<std::chrono::microseconds> lent_quota() const override;
  [[nodiscard]] Status lend_quota(std::optional<std::chrono::microseconds> quota) override;
  [[nodiscard]] Status restart(const std::string& reason) override;
  [[nodiscard]] Status kill_all() override;
  [[nodiscard]] Result<pid_t> exec(const std::vector<std::string>& command, std::chrono::nanoseconds timeout) override;
  [[nodiscard]] Status guard_freeze(std::chrono::nanoseconds timeout) override;
  void unguard_freeze() override;
  void guard_new_hold() override;
  [[nodiscard]] Status let_kernel_decide() override;
  void decide_again() override;
  [[nodiscard]] bool restarting() const override;
  [[nodiscard]] Status lift_memory_high() override;
  [[nodiscard]] Status notify_pressure() override;
  void killed_by_policy(const std::string& reason) override;
  void recorded(const ForensicRecord& record) override;

 private:
  [[nodiscard]] std::string attempt_directory() const;

  Container& container_;
};

}  // namespace mete::agent
