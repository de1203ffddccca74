// SPDX-License-Identifier: Apache-2.0
// The limits of a container: those that its manifest and its policy ask for, with what is lent (loans.h) added, and
// what of them is in force.
//
// A change goes in three steps: find_facts() of the machine, the loans are reconciled, then ask_again() and
// write_each(). A digest of what was written is in the record, so that the next agent can tell a limit that others have
// changed from one that this agent would have.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "agent/pods/container/container_cores.h"
#include "agent/pods/container/container_slot.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

// The limits of a container before ContainerLimits::resize().
struct Allotment {
  runtime::cgroup::Limits limits;
  std::int64_t raised_memory = 0;
  std::optional<std::chrono::microseconds> lent_quota;
};

class ContainerLimits {
 public:
  // All of them outlive it.
  ContainerLimits(const ContainerSlot& slot, const runtime::cgroup::Group& group, ContainerCores& cores)
      : slot_(slot), services_(slot.services()), group_(group), cores_(cores) {}

  [[nodiscard]] const runtime::cgroup::Limits& current() const { return limits_; }
  // A number that grows whenever the limits may have changed.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  void count_change() { ++changes_; }

  // Disks and CPUs that the policy is about; reports what of it cannot be had.
  void find_facts();
  // Computes current() anew from manifest, policy and loans, without writing it. A limit that is no longer wanted is
  // reset by the next write; after ask_from_scratch() it is not in current() at all.
  void ask_again();
  void ask_from_scratch();
  // Writes each part of current() by itself. All parts are tried; the error is the first one.
  [[nodiscard]] Status write_each();
  // Puts the digest of current() into the record, which is saved if the digest is new.
  void note_written();

  // The CPUs that all share are others now.
  void share_cpus();
  // Writes the limits that `to` asks for. After an error the old limits are in force.
  [[nodiscard]] Status resize(const config::Container& to);
  void undo_resize(const Allotment& before);
  [[nodiscard]] Allotment allotment() const { return {limits_, slot_.record().raised_memory, lent_quota_}; }
  // The kernel kills at the limit again, until the limits are written anew.
  [[nodiscard]] Status let_kernel_decide();

  // All of it is killed now, and kill_at_once() lifts its quota. The next attempt has its quota again, and whoever
  // waits for one.
  void quota_is_lifted();
  // Writes the quota that was lifted.
  void give_quota();

  // For loans. The memory limit with what the record says is raised: the record is saved before it is written.
  [[nodiscard]] Status write_raise();
  [[nodiscard]] Status write_lent_quota();
  void set_lent_quota(std::optional<std::chrono::microseconds> quota) { lent_quota_ = quota; }
  [[nodiscard]] const std::optional<std::chrono::microseconds>& lent_quota() const { return lent_quota_; }
  // The memory usage above `limit`; empty: usage is not above, or there is no cgroup.
  [[nodiscard]] std::optional<Bytes> memory_above(Bytes limit) const;

 private:
  [[nodiscard]] runtime::cgroup::Limits asked() const { return limits_for(*slot_.spec()); }  // spec() is not null
  [[nodiscard]] runtime::cgroup::Limits limits_for(const config::Container& container) const;
  void find_disks();

  const ContainerSlot& slot_;
  Services& services_;
  const runtime::cgroup::Group& group_;
  ContainerCores& cores_;
  runtime::cgroup::Limits limits_;
  std::optional<std::chrono::microseconds> lent_quota_;  // of a period of its own quota
  bool quota_lifted_ = false;
  enforcers::IoFacts io_;
  // The policy whose parts that the machine does not support are reported; null: none.
  std::unique_ptr<const config::Policy> faults_reported_;
  std::uint64_t changes_ = 0;
};

}  // namespace mete::agent
