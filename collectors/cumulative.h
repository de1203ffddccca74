// SPDX-License-Identifier: Apache-2.0
// Counters that survive the cgroup: a container that is restarted gets a new cgroup whose counters start at 0.
#pragma once

#include <string>
#include <string_view>

#include "collectors/kernel/sample.h"
#include "config/result.h"

namespace mete::collectors {

// `base` is the sum of the cgroups that are gone, `live` the one that is: counters summed (also by device and by
// interface name), memory.max_usage and pids.peak the larger, all other gauges and settings those of `live`. A counter
// that only one of them has is that one's.
[[nodiscard]] Sample add(const Sample& base, const Sample& live);
// The same into `out`, whose memory is reused: no allocation once warm. `out` may not be base or live.
void add_into(const Sample& base, const Sample& live, Sample& out);

// The counters and high-water marks of a sample as "key value" lines, and back; gauges are left out. Unknown keys are
// ignored, so that a newer version's file can be read; a known key with a bad value is an error naming line and key.
[[nodiscard]] std::string to_text(const Sample& sample);
[[nodiscard]] Result<Sample> from_text(std::string_view text);

}  // namespace mete::collectors
