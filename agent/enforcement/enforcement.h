// SPDX-License-Identifier: Apache-2.0
// What all enforcers share: the forensic records, who is beside whom, how often a policy has killed, and threads for
// what waits for the kernel.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "agent/asio.h"
#include "agent/enforcement/cpu_cores.h"
#include "agent/enforcement/idle_cpu.h"
#include "agent/forensics/forensics.h"
#include "config/policy.h"
#include "enforcers/guard.h"

namespace mete::agent {

// Seen by the others as one that is beside them.
class Watched {
 public:
  virtual ~Watched() = default;
  [[nodiscard]] virtual Neighbour as_neighbour() const = 0;
};

class Enforcement {
 public:
  Enforcement(asio::io_context& loop, Forensics forensics) : loop_(loop), forensics_(std::move(forensics)), cores_(loop) {}
  ~Enforcement();
  Enforcement(const Enforcement&) = delete;
  Enforcement& operator=(const Enforcement&) = delete;

  [[nodiscard]] Forensics& forensics() { return forensics_; }
  // Of a policy, over all that it selects.
  [[nodiscard]] enforcers::KillGuard& guard(const config::Policy& policy);

  void enter(const Watched& watched) { watched_.insert(&watched); }
  void leave(const Watched& watched) { watched_.erase(&watched); }
  // The largest of the others, at most 10.
  [[nodiscard]] std::vector<Neighbour> neighbours_of(const Watched& watched) const;

  // `work` on a thread of its own, then `done` on the loop. For what waits for the kernel for longer than a moment.
  void run(std::function<void()> work, std::function<void()> done);

  // What may still be given to a container: MemAvailable, less what is kept for the machine. 0 when it cannot be read.
  [[nodiscard]] Bytes available_memory() const;
  [[nodiscard]] IdleCpu& idle_cpu() { return idle_cpu_; }
  [[nodiscard]] CpuCores& cores() { return cores_; }
  void reserve_memory(Bytes bytes) { reserved_ = bytes; }

 private:
  asio::io_context& loop_;
  Forensics forensics_;
  std::map<std::string, enforcers::KillGuard> guards_;
  std::set<const Watched*> watched_;
  Bytes reserved_;
  IdleCpu idle_cpu_;
  CpuCores cores_;
  std::unique_ptr<asio::thread_pool> threads_;  // made when first needed
};

}  // namespace mete::agent
