// SPDX-License-Identifier: Apache-2.0
#include "collectors/throttle.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "collectors/kernel/parse.h"
#include "runtime/cgroup/cpu.h"

namespace mete::collectors {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSlowest(1'000);  // of a group that runs
constexpr milliseconds kIdle(10'000);

struct CpuStat {
  Count periods, throttled;
  Time time;
};

// v1 counts throttled_time in ns, v2 throttled_usec in us.
constexpr std::array<KeyField<CpuStat>, 4> kFields = {{
    {.key = "nr_periods", .count = &CpuStat::periods},
    {.key = "nr_throttled", .count = &CpuStat::throttled},
    {.key = "throttled_time", .time = &CpuStat::time},
    {.key = "throttled_usec", .time = &CpuStat::time, .scale = kMicrosecond},
}};

}  // namespace

void observe(ThrottleLengths& lengths, const ThrottleCounters& before, const ThrottleCounters& now) {
  const bool reset = now.periods < before.periods || now.time < before.time;
  const std::uint64_t periods = reset ? now.periods : now.periods - before.periods;
  const std::chrono::nanoseconds time = reset ? now.time : now.time - before.time;
  if (periods == 0) return;
  const auto mean = time / static_cast<std::int64_t>(std::min(periods, kMaxSigned));
  const auto* const bound = std::lower_bound(kThrottleBounds.begin(), kThrottleBounds.end(), mean);
  lengths.buckets.at(static_cast<std::size_t>(bound - kThrottleBounds.begin())) += periods;
  lengths.sum += time;
  lengths.native.observe(std::chrono::duration<double>(mean).count(), periods);
}

milliseconds next_interval(milliseconds last, bool throttled, bool ran) {
  constexpr milliseconds kFastest(100);
  if (throttled) return kFastest;
  return std::min(last * 2, ran ? kSlowest : kIdle);
}

std::chrono::steady_clock::time_point next_read(std::chrono::steady_clock::time_point now, milliseconds interval) {
  using Tick = std::chrono::duration<std::int64_t, std::ratio<1, 4>>;
  const auto due = now + interval;
  return interval > kSlowest ? std::chrono::ceil<Tick>(due) : due;
}

// Most groups are never throttled: all of them share one distribution without a stretch.
ThrottleWatch::ThrottleWatch(runtime::cgroup::Group group, runtime::UniqueFd file)
    : group_(std::move(group)), file_(std::move(file)) {
  static const auto kNone = std::make_shared<const ThrottleLengths>();
  lengths_ = kNone;
}

Result<ThrottleWatch> ThrottleWatch::open(const runtime::cgroup::Group& group, Clock::time_point now) {
  METE_TRY(runtime::UniqueFd file, runtime::cgroup::open_cpu_stat(group));
  ThrottleWatch watch(group, std::move(file));
  (void)watch.read(now);
  return watch;
}

bool ThrottleWatch::read(Clock::time_point now) {
  due_ = next_read(now, kIdle);  // also of a read that fails
  if (!file_.valid()) {
    auto file = runtime::cgroup::open_cpu_stat(group_);
    if (!file && runtime::cgroup::is_gone(file.error())) return false;
    if (!file) return true;  // no descriptor was free: the next read tries again
    file_ = std::move(*file);
  }
  std::array<char, 1024> text;
  const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
  if (got < 0) return errno != ENODEV;
  CpuStat stat;
  (void)parse_keys(std::string_view(text.data(), static_cast<std::size_t>(got)), kFields, stat);
  const ThrottleCounters counters{stat.throttled.value_or(0), stat.time.value_or(std::chrono::nanoseconds(0))};
  const bool throttled = last_ && counters.periods != last_->periods;
  const bool ran = stat.periods.value_or(0) != periods_;
  if (throttled) {
    auto lengths = std::make_shared<ThrottleLengths>(*lengths_);
    observe(*lengths, *last_, counters);
    lengths_ = std::move(lengths);
  }
  last_ = counters;
  periods_ = stat.periods.value_or(0);
  interval_ = next_interval(interval_, throttled, ran);
  due_ = next_read(now, interval_);
  if (interval_ > kSlowest) file_.reset();
  return true;
}

}  // namespace mete::collectors
