// SPDX-License-Identifier: Apache-2.0
#include "enforcers/guard.h"

namespace mete::enforcers {

bool KillGuard::allow(const std::optional<config::GuardPolicy>& policy, Moment now) {
  if (!policy) return true;
  while (!kills_.empty() && now - kills_.front() >= policy->per) kills_.pop_front();
  if (static_cast<std::int64_t>(kills_.size()) >= policy->max_kills) return false;
  kills_.push_back(now);
  return true;
}

}  // namespace mete::enforcers
