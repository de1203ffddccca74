// SPDX-License-Identifier: Apache-2.0
// The memory of a subject: the usage that was last read, its history, and the limits that bound it.
#pragma once

#include <optional>

#include "agent/base/services.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/subject.h"
#include "collectors/kernel/memory_probe.h"
#include "collectors/usage_history.h"

namespace mete::agent {

class MemoryGauge {
 public:
  MemoryGauge(Services& services, const Subject& subject) : services_(services), subject_(subject) {}

  // Opens the counters of a cgroup that exists. False: it is gone, or has no memory controller; files that were open
  // stay open.
  [[nodiscard]] bool open(collectors::MemoryProbe::Wanted wanted);
  void close() { probe_.reset(); }
  [[nodiscard]] bool is_open() const { return probe_.has_value(); }
  [[nodiscard]] bool has_pressure() const { return probe_ && probe_->has_pressure(); }

  // Reads the counters and adds the usage to the history. Empty: the group is gone, or not open.
  [[nodiscard]] std::optional<collectors::MemoryMoment> read();
  [[nodiscard]] Bytes usage() const { return usage_; }
  [[nodiscard]] const collectors::UsageHistory& history() const { return history_; }

  // The tightest of the subject's own limit and those of its ancestors. The ancestors' limits are read again after 10
  // s, without a policy after 60 s.
  [[nodiscard]] std::optional<Bytes> limit_in_force();
  // The size that a share in a rule (`usage: 90%`) refers to: limit_in_force(), or without any limit the machine's
  // memory.
  [[nodiscard]] std::optional<Bytes> bound();
  // Page cache and reclaimable slab: memory that the kernel frees by itself. Empty: the group is gone.
  [[nodiscard]] std::optional<Bytes> page_cache() const;

 private:
  Services& services_;
  const Subject& subject_;
  std::optional<collectors::MemoryProbe> probe_;
  Bytes usage_;
  collectors::UsageHistory history_;
  std::optional<Bytes> limit_above_;  // of ancestors
  Moment limit_above_read_{};
};

}  // namespace mete::agent
