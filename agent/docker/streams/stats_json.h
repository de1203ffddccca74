// SPDX-License-Identifier: Apache-2.0
// GET /containers/ID/stats from the same samples as the metrics. Pure.
#pragma once

#include "agent/docker/fields.h"
#include "collectors/kernel/sample.h"

namespace mete::agent::docker {

struct StatsFacts {
  std::string id;
  std::string name;
  std::int64_t machine_memory = 0;  // bytes
  unsigned cpus = 1;
};
// A sample, with what all CPUs of the machine had spent by then (nanoseconds).
struct StatsMoment {
  collectors::Sample sample;
  std::uint64_t system = 0;
};

// `before` is what "precpu" is taken from.
[[nodiscard]] std::string stats_text(const StatsFacts& facts, const StatsMoment& before, const StatsMoment& now);
// Of a container that does not run: zeros.
[[nodiscard]] std::string no_stats_text(const StatsFacts& facts);

// The first line of /proc/stat: ticks of a hundredth of a second, as nanoseconds; of guests they are in user already.
[[nodiscard]] std::uint64_t system_time(std::string_view proc_stat, long ticks_per_second);

}  // namespace mete::agent::docker
