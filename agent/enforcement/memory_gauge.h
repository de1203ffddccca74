// SPDX-License-Identifier: Apache-2.0
// What is known of a subject's memory: its usage as it was last read, its history, and the limits that bound it.
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

  // The cgroup is there. False: it is gone, or has no memory controller; what was open stays so.
  [[nodiscard]] bool open(collectors::MemoryProbe::Wanted wanted);
  void close() { probe_.reset(); }
  [[nodiscard]] bool is_open() const { return probe_.has_value(); }
  [[nodiscard]] bool has_pressure() const { return probe_ && probe_->has_pressure(); }

  // Reads, and keeps usage and history. Empty: the group is gone, or not open.
  [[nodiscard]] std::optional<collectors::MemoryMoment> read();
  [[nodiscard]] Bytes usage() const { return usage_; }
  [[nodiscard]] const collectors::UsageHistory& history() const { return history_; }

  // The tightest limit: its own, or one of an ancestor. Those of ancestors are read again after 10 s, without a policy
  // after 60.
  [[nodiscard]] std::optional<Bytes> limit_in_force();
  // What shares of usage are of: the same, or without any limit all of the machine's memory.
  [[nodiscard]] std::optional<Bytes> bound();
  // With what else makes room by itself; empty: gone.
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
