// SPDX-License-Identifier: Apache-2.0
#include "enforcers/usage_model.h"

#include <algorithm>

namespace mete::enforcers {
namespace {

// A container that ran out of memory would have needed at least this much more.
constexpr Bytes kOomMore(100 << 20);
Bytes wanted_at_oom(Bytes had) {
  return std::max(had + kOomMore, Bytes(had.count() + had.count() / 5));
}

}  // namespace

void UsageModel::add(const UsageSample& sample) {
  // When the clock was set back, the model's times lie in the future; they must not be decayed backwards without end.
  const WallTime begin = sample.at - std::chrono::duration_cast<WallTime::duration>(sample.over);
  if (samples == 0) first = begin;
  last = std::max(last, sample.at);
  ++samples;
  const double seconds = std::chrono::duration<double>(sample.over).count();
  const double wanted = sample.cores + sample.throttled_cores;
  cpu.add(wanted, 1, sample.at);
  if (sample.throttled_cores > 0) throttled.add(wanted, sample.throttled_cores * seconds, sample.at);
  throttled_seconds += sample.throttled_cores * seconds;
  add_memory_peak(sample.memory, sample.at);
  if (sample.ooms == 0) return;
  ooms += sample.ooms;
  const Bytes wanted_memory = wanted_at_oom(std::max(sample.memory, resources.requests.memory.value_or(Bytes(0))));
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(sample.ooms, kOoms); ++i) oom_wanted.push_back(wanted_memory);
  while (oom_wanted.size() > kOoms) oom_wanted.pop_front();
  add_memory_peak(wanted_memory, sample.at);
}

void UsageModel::add_memory_peak(Bytes value, WallTime at) {
  if (at >= window_end) {
    window_end = window_end == WallTime() || at - window_end >= kWindow ? at + kWindow : window_end + kWindow;
    window_value = Bytes(0);
    peaks.push_back(Bytes(0));
    while (peaks.size() > kWindows) peaks.pop_front();
  }
  peaks.back() = std::max(peaks.back(), value);
  if (value <= window_value) return;
  // Each window has one sample: its peak.
  if (window_value > Bytes(0)) memory.remove(static_cast<double>(window_value.count()), 1, window_end);
  memory.add(static_cast<double>(value.count()), 1, window_end);
  window_value = value;
}

Bytes UsageModel::peak() const {
  Bytes most(0);
  for (const Bytes each : peaks) most = std::max(most, each);
  return most;
}

}  // namespace mete::enforcers
