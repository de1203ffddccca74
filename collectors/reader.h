// SPDX-License-Identifier: Apache-2.0
// Reads all cgroups into a Reading, in slices, and samples throttling in between. It waits for nothing: its owner calls
// step() until it is done and sample() when it is due.
//
//   reader.begin(targets);
//   while (!reader.step(5ms)) ...            // other work in between
//   std::shared_ptr<const Reading> reading = reader.take();
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/reading.h"
#include "collectors/sampler.h"
#include "collectors/target.h"
#include "collectors/throttle.h"

namespace mete::collectors {

class Reader {
 public:
  using Clock = std::chrono::steady_clock;

  // `hierarchies` must outlive the reader.
  Reader(const runtime::cgroup::Hierarchies& hierarchies, CollectionOptions options);

  // A new reading, of these containers and pods. One at a time.
  void begin(std::vector<Target> targets);
  // Reads for about `budget`; true: complete.
  bool step(Clock::duration budget);
  [[nodiscard]] std::shared_ptr<const Reading> take();

  // When sample() has something to do next; empty: nothing is watched.
  [[nodiscard]] std::optional<Clock::time_point> due() const;
  // Reads cpu.stat of those that are due.
  void sample(Clock::time_point now);

  [[nodiscard]] std::span<const CollectionCost> cost() const { return collection_.cost(); }

 private:
  // What is kept of a cgroup between readings.
  struct Watched {
    std::uint64_t cgroup_id = 0;
    std::optional<CgroupSampler> sampler;
    bool was_read = false;
    pid_t network_pid = 0;
    std::uint64_t limit_changes = 0;
    std::optional<ThrottleWatch> throttle;
    std::uint64_t reading = 0;  // the last one it was in
  };

  void read_target(const Target& target);
  const Sample* read_cgroup(Watched& watched, const Target& target);
  Watched& watched_of(const Target& target);
  void watch_throttling(Watched& watched, const std::string& path, const Sample& sample);
  void forget_the_gone();

  const runtime::cgroup::Hierarchies& hierarchies_;
  Collection collection_;
  MachineReader machine_;
  bool failed_ = false;  // a cgroup that exists could not be read
  std::unordered_map<std::string, Watched> watched_;
  std::vector<Target> targets_;
  std::size_t next_ = 0;
  std::uint64_t number_ = 0;
  std::shared_ptr<Reading> reading_;
};

}  // namespace mete::collectors
