// SPDX-License-Identifier: Apache-2.0
// The end of all processes of a cgroup that others made.
#include <sys/sysinfo.h>

#include "agent/foreign/foreign_subject.h"

namespace mete::agent {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(10);
constexpr unsigned kMostLooks = 100;

}  // namespace

// A throttled process dies only when its next period begins. So the cgroup has, as a loan, the time of all CPUs until
// it is empty; its quota is in the ledger meanwhile. The quotas of cgroups above and below it are others', too, and
// stay.
Status ForeignSubject::kill_all() {
  read_own_cpu();
  const bool held = cpu_ && !cpu_->quota.is_unlimited();
  // Refused where a cgroup above it has less, on v1: then it dies late.
  if (held && lend_quota(cpu_->period * ::get_nprocs())) give_quota_back(kMostLooks);
  return group_.kill_all();
}

void ForeignSubject::give_quota_back(unsigned looks) {
  death_timer_.expires_after(kLookAgain);
  death_timer_.async_wait(alive_.guard([this, looks] {
    const auto populated = group_.populated();
    if (populated && *populated && looks > 1) return give_quota_back(looks - 1);
    if (lent_) (void)lend_quota(std::nullopt);
  }));
}

}  // namespace mete::agent
