// SPDX-License-Identifier: Apache-2.0
// The state that all enforcers share: the forensic records, the list of subjects, the kills of each policy, and the
// memory and CPUs of the machine that can still be given to containers.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/services.h"
#include "agent/enforcement/cpu_cores.h"
#include "agent/enforcement/idle_cpu.h"
#include "agent/forensics/forensics.h"
#include "config/model/policy.h"
#include "enforcers/guard.h"

namespace mete::agent {

// A subject as the forensic records of other subjects list it: a neighbour.
class Watched {
 public:
  virtual ~Watched() = default;
  [[nodiscard]] virtual Neighbour as_neighbour() const = 0;
};

class Enforcement {
 public:
  Enforcement(Services& services, Forensics forensics)
      : services_(services), forensics_(std::move(forensics)), cores_(services.loop) {}
  Enforcement(const Enforcement&) = delete;
  Enforcement& operator=(const Enforcement&) = delete;

  [[nodiscard]] Services& services() { return services_; }
  [[nodiscard]] Forensics& forensics() { return forensics_; }
  // The guard of a policy. It counts the kills in all subjects that the policy selects.
  [[nodiscard]] enforcers::KillGuard& guard(const config::Policy& policy);

  void enter(const Watched& watched) { watched_.insert(&watched); }
  void leave(const Watched& watched) { watched_.erase(&watched); }
  // The largest of the other subjects, at most 10.
  [[nodiscard]] std::vector<Neighbour> neighbours_of(const Watched& watched) const;

  // Memory that can still be given to containers: MemAvailable less machine.reserve.memory. 0 when it cannot be read.
  [[nodiscard]] Bytes available_memory() const;
  [[nodiscard]] IdleCpu& idle_cpu() { return idle_cpu_; }
  [[nodiscard]] CpuCores& cores() { return cores_; }
  void reserve_memory(Bytes bytes) { reserved_ = bytes; }

 private:
  Services& services_;
  Forensics forensics_;
  std::map<std::string, enforcers::KillGuard> guards_;
  std::set<const Watched*> watched_;
  Bytes reserved_;
  IdleCpu idle_cpu_;
  CpuCores cores_;
};

}  // namespace mete::agent
