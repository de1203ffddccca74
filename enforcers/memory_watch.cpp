// SPDX-License-Identifier: Apache-2.0
#include "enforcers/memory_watch.h"

#include <algorithm>

#include "config/model/policy_actions.h"

namespace mete::enforcers {
namespace {

using std::chrono::nanoseconds;

// The product of a size and a ratio in millionths does not fit 64 bits.
__extension__ using Wide = __int128;

constexpr Ratio kOne(1'000'000);
constexpr Ratio kHysteresis(50'000);
constexpr auto kAgain = std::chrono::seconds(1);
constexpr auto kRateOver = std::chrono::milliseconds(500);
constexpr nanoseconds kSoonest = std::chrono::milliseconds(10);
constexpr nanoseconds kLatest = std::chrono::seconds(1);
constexpr double kLooksUntilFull = 4;
constexpr int kMostSeen = 1024;  // samples kept for a window

}  // namespace

Bytes share_of(Bytes whole, Ratio share) {
  const auto product = static_cast<Wide>(whole.count()) * share.count() / kOne.count();
  return Bytes(static_cast<std::int64_t>(product));
}

Ratio armed_again_below(Ratio share) {
  return std::max(share - kHysteresis, Ratio(0));
}

void ThresholdLatch::take(std::span<const config::MemoryThreshold> rules) {
  std::vector<Fired> fired(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto before = std::find(rules_.begin(), rules_.end(), rules[i]);
    if (before != rules_.end()) fired[i] = fired_[static_cast<std::size_t>(before - rules_.begin())];
  }
  fired_ = std::move(fired);
  rules_.assign(rules.begin(), rules.end());
}

std::vector<std::size_t> ThresholdLatch::crossed(std::span<const config::MemoryThreshold> rules, Bytes usage,
                                                 Bytes limit, Moment now) {
  if (!std::equal(rules.begin(), rules.end(), rules_.begin(), rules_.end())) take(rules);
  std::vector<std::size_t> firing;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    Fired& fired = fired_[i];
    const bool raised = rules[i].action == config::ThresholdAction::kRaise && limit > fired.limit;
    if (raised || usage < share_of(limit, armed_again_below(rules[i].usage))) fired.latched = false;
    if (usage < share_of(limit, rules[i].usage)) continue;
    if (fired.latched && !(config::row_of(rules[i].action).repeated && now - fired.at >= kAgain)) continue;
    fired = {true, now, limit};
    firing.push_back(i);
  }
  std::stable_sort(firing.begin(), firing.end(), [&](auto a, auto b) { return rules[a].usage < rules[b].usage; });
  return firing;
}

void FillRate::see(Moment at, Bytes usage) {
  while (seen_.size() > 1 && at - seen_.front().at > kRateOver) seen_.pop_front();
  seen_.push_back({at, usage});
}

double FillRate::bytes_per_second() const {
  if (seen_.size() < 2) return 0;
  const std::chrono::duration<double> over = seen_.back().at - seen_.front().at;
  if (over.count() <= 0) return 0;
  return static_cast<double>((seen_.back().usage - seen_.front().usage).count()) / over.count();
}

std::optional<nanoseconds> time_to_limit(Bytes usage, Bytes limit, double bytes_per_second) {
  constexpr double kDay = 86'400;
  if (usage >= limit) return nanoseconds(0);
  if (bytes_per_second <= 0) return std::nullopt;
  const double seconds = static_cast<double>((limit - usage).count()) / bytes_per_second;
  if (seconds > kDay) return std::nullopt;
  return nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

nanoseconds next_look(Bytes headroom, double bytes_per_second) {
  if (bytes_per_second <= 0) return kLatest;
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(headroom.count(), 0)) / bytes_per_second / kLooksUntilFull;
  if (seconds >= 1) return kLatest;
  return std::max(nanoseconds(static_cast<std::int64_t>(seconds * 1e9)), kSoonest);
}

void Window::see(Moment at, std::uint64_t total) {
  // A counter that went back belongs to another cgroup.
  if (!seen_.empty() && total < seen_.back().total) seen_.clear();
  // The newest sample that is at least `over_` old stays: the window is measured from it.
  while (seen_.size() > 1 && at - seen_[1].at >= over_) seen_.pop_front();
  // Samples closer together than the resolution: the later one replaces the earlier one.
  if (seen_.size() > 1 && at - seen_[seen_.size() - 2].at < over_ / kMostSeen) seen_.pop_back();
  seen_.push_back({at, total});
}

std::optional<Window::Growth> Window::growth() const {
  if (seen_.size() < 2 || seen_.back().at - seen_.front().at < over_) return std::nullopt;
  return Growth{seen_.back().total - seen_.front().total, seen_.back().at - seen_.front().at};
}

std::optional<Window::Growth> Window::last() const {
  if (seen_.size() < 2) return std::nullopt;
  const auto& before = seen_[seen_.size() - 2];
  return Growth{seen_.back().total - before.total, seen_.back().at - before.at};
}

bool stalls(const Window::Growth& stalled, Ratio share) {
  return static_cast<Wide>(stalled.by) * kOne.count() >= static_cast<Wide>(stalled.in.count()) * share.count();
}

bool thrashes(const Window::Growth& pages, Bytes page, Ratio share, Bytes limit) {
  return static_cast<Wide>(pages.by) * page.count() >= share_of(limit, share).count();
}

}  // namespace mete::enforcers
