// SPDX-License-Identifier: Apache-2.0
// Counters that survive the cgroup: a restarted container gets a new cgroup, whose counters start at 0.
#pragma once

#include <string>
#include <string_view>

#include "collectors/kernel/sample.h"
#include "config/base/result.h"

namespace mete::collectors {

// The sum of `base`, the counters of the cgroups that no longer exist, and `live`, a sample of the present one.
// Counters are added (those of devices and interfaces by device number and name); memory.max_usage and pids.peak are
// the larger of the two; all other gauges and settings are those of `live`. A counter that only one of the two samples
// has is taken as it is.
[[nodiscard]] Sample add(const Sample& base, const Sample& live);
// The same sum, written into `out`, whose memory is reused: no allocation once `out` has held such a sample. `out` must
// be neither `base` nor `live`.
void add_into(const Sample& base, const Sample& live, Sample& out);

// Writes the counters and high-water marks of a sample as "key value" lines, and reads them back. Gauges are left out.
// Unknown keys are ignored, so that a file of a newer version can be read; a known key with a bad value is an error
// that names the line and the key.
[[nodiscard]] std::string to_text(const Sample& sample);
[[nodiscard]] Result<Sample> from_text(std::string_view text);

}  // namespace mete::collectors
