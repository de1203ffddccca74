// SPDX-License-Identifier: Apache-2.0
#include "enforcers/cpu_boost.h"

#include <algorithm>
#include <cstdio>

namespace mete::enforcers {
namespace {

using std::chrono::microseconds;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f%%", share * 100);
  return text;
}

double share_of(Ratio ratio) {
  return static_cast<double>(ratio.count()) / 1e6;
}
microseconds times(microseconds quota, double factor) {
  return microseconds(static_cast<std::int64_t>(static_cast<double>(quota.count()) * factor));
}

}  // namespace

void CpuBooster::see(const CpuMoment& moment, config::Duration window) {
  if (!seen_.empty() && (moment.periods < seen_.back().periods || moment.throttled < seen_.back().throttled ||
                         moment.usage < seen_.back().usage))
    seen_.clear();
  seen_.push_back(moment);
  // The last sample before the window marks its begin.
  while (seen_.size() > 2 && seen_[1].at <= moment.at - window) seen_.pop_front();
}

std::optional<double> CpuBooster::throttled(config::Duration window) const {
  if (seen_.size() < 2 || seen_.back().at - seen_.front().at < window) return std::nullopt;
  const auto periods = seen_.back().periods - seen_.front().periods;
  if (periods == 0) return 0;
  return static_cast<double>(seen_.back().throttled - seen_.front().throttled) / static_cast<double>(periods);
}

double CpuBooster::cores_used() const {
  const auto& [first, last] = std::pair(seen_.front(), seen_.back());
  return std::chrono::duration<double>(last.usage - first.usage) / std::chrono::duration<double>(last.at - first.at);
}

std::optional<BoostDecision> CpuBooster::decide(const config::CpuBoost& boost, const BoostFacts& facts, Moment now) {
  const bool boosted = facts.quota > facts.base;
  const auto back = [&](std::string because) {
    cool_until_ = now + boost.cool_down;
    seen_.clear();
    return BoostDecision{facts.base, std::move(because)};
  };
  if (boosted && facts.idle_cores < kOthersNeedIt * facts.cpus) {
    return back("only " + percent(facts.idle_cores / facts.cpus) + " of the machine is idle: others need it");
  }
  const auto share = throttled(boost.over);
  if (!share) return std::nullopt;
  const double period = static_cast<double>(facts.period.count());
  if (boosted && *share == 0 && cores_used() < static_cast<double>(facts.base.count()) / period)
    return back("it wants no more than its own");
  if (*share < share_of(boost.when_throttled) || (cool_until_ && now < *cool_until_)) return std::nullopt;
  auto wanted = times(facts.quota, share_of(boost.factor));
  if (boost.max) wanted = std::min(wanted, times(facts.base, share_of(*boost.max)));
  const double spare = (facts.idle_cores - kLeaveIdle * facts.cpus) * period;
  wanted = std::min({wanted, facts.quota + microseconds(static_cast<std::int64_t>(std::max(spare, 0.0))),
                     times(facts.period, facts.cpus)});
  // A raise of less than a hundredth of the base is not written.
  if (wanted < facts.quota + times(facts.base, 0.01)) return std::nullopt;
  seen_.clear();
  return BoostDecision{wanted, "throttled in " + percent(*share) + " of its periods, and " +
                                   percent(facts.idle_cores / facts.cpus) + " of the machine is idle"};
}

}  // namespace mete::enforcers
