// SPDX-License-Identifier: Apache-2.0
// One container of a pod while the agent lives. It ties what it is made of, and has no state of its own:
//
//   ContainerSlot    its place in the pod: record, manifest, policy, files
//   ContainerCgroup  its cgroup: limits, devices, CPUs, drift, what watches it, its counters
//   Loans            memory that a policy has raised, CPU time that is lent
//   Attempt          launch, shim, process, end
//
// Each uses those above it. What must survive the agent is in the ContainerRecord; everything here can be made again
// from that and the kernel (adopt()).
#pragma once

#include <memory>
#include <string>

#include "agent/pods/container/attempt.h"
#include "agent/pods/container/container_cgroup.h"
#include "agent/pods/container/container_slot.h"
#include "agent/pods/container/loans.h"

namespace mete::agent {

class ContainerSubject;

class Container {
 public:
  Container(Pod& pod, std::size_t index);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  // After the agent's own restart: finds out what became of the cgroup and of the attempt.
  void adopt();
  // Writes the limits again after the policy has changed.
  void apply_limits();
  // A policy has killed in it. `reason` of its end; empty: it goes on.
  void killed_by_policy(const std::string& reason);
  // As a person asks for it, or ends it. is_paused(): by whomever.
  [[nodiscard]] Status pause(bool paused);
  [[nodiscard]] bool is_paused() { return cgroup_.watch().freeze_asked(); }
  // The kernel's log says that it killed here.
  void oom_killed_in_log(const KernelKill& kill) { cgroup_.watch().oom().killed_in_log(kill); }

  [[nodiscard]] ContainerRecord& record() { return slot_.record(); }
  [[nodiscard]] const ContainerRecord& record() const { return slot_.record(); }
  [[nodiscard]] const config::Container* spec() const { return slot_.spec(); }   // as ContainerSlot has it
  [[nodiscard]] const config::Policy* policy() const { return slot_.policy(); }  // null: none selects the pod
  [[nodiscard]] const ContainerSlot& slot() const { return slot_; }
  [[nodiscard]] std::string log_path() const { return slot_.log_path(); }
  [[nodiscard]] bool keeps_log() const { return spec() == nullptr || !spec()->extras->log.none; }

  [[nodiscard]] Attempt& attempt() { return attempt_; }
  [[nodiscard]] const Attempt& attempt() const { return attempt_; }
  [[nodiscard]] Loans& loans() { return loans_; }
  [[nodiscard]] ContainerCgroup& control() { return cgroup_; }
  [[nodiscard]] const ContainerCgroup& control() const { return cgroup_; }
  [[nodiscard]] Subject& subject() const;

  // For those who only read.
  [[nodiscard]] bool is_active() const { return attempt_.is_active(); }
  [[nodiscard]] const runtime::cgroup::Group& cgroup() const { return cgroup_.group(); }
  [[nodiscard]] const runtime::cgroup::Limits& limits() const { return cgroup_.limits().current(); }
  [[nodiscard]] const MemoryEnforcer& enforcer() const { return cgroup_.watch().memory(); }
  [[nodiscard]] std::uint64_t oom_kills() const { return cgroup_.watch().oom_record().total(); }
  // Counters over all attempts, gauges of now.
  [[nodiscard]] collectors::Sample read() const { return cgroup_.counters().read(); }

 private:
  ContainerSlot slot_;
  std::unique_ptr<ContainerSubject> subject_;
  ContainerCgroup cgroup_;
  Loans loans_;
  Attempt attempt_;
};

}  // namespace mete::agent
