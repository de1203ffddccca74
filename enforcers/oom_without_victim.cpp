// SPDX-License-Identifier: Apache-2.0
#include "enforcers/oom_without_victim.h"

namespace mete::enforcers {
namespace {

// A kill takes some milliseconds from its wake-up, on a busy machine some hundred. A group that runs out of
// memory again and again for this long has no victim.
constexpr auto kLong = std::chrono::seconds(2);
constexpr std::uint64_t kMany = 20;
// Without an OOM for this long it has got out of it.
constexpr auto kOver = std::chrono::seconds(5);

}  // namespace

std::optional<OomWithoutVictim::Found> OomWithoutVictim::see(Moment at, std::optional<std::uint64_t> ooms) {
  if (seen_ && at - seen_->last > kOver && !went_on(at, ooms)) forget();
  if (!seen_) {
    seen_ = Seen{at, at, ooms.value_or(0), ooms.value_or(0)};
    return std::nullopt;
  }
  const std::uint64_t count = ooms.value_or(seen_->count + 1);
  if (count == seen_->count) return std::nullopt;
  seen_->count = count;
  seen_->last = at;
  const Found found{count - seen_->first, at - seen_->since};
  if (told_ || found.in < kLong || found.times < kMany) return std::nullopt;
  told_ = true;
  return found;
}

bool OomWithoutVictim::went_on(Moment at, std::optional<std::uint64_t> ooms) const {
  if (!ooms || *ooms < seen_->count) return false;
  return *ooms - seen_->count >= kMany * static_cast<std::uint64_t>((at - seen_->last) / kLong);
}

void OomWithoutVictim::forget() {
  seen_.reset();
  told_ = false;
}

bool OomWithoutVictim::holds(Moment at) const {
  return told_ && at - seen_->last <= kOver;
}

}  // namespace mete::enforcers
