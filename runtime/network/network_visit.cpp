// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/network_visit.h"

#include <fcntl.h>
#include <sched.h>

#include <cstdlib>

#include "runtime/file.h"

namespace mete::runtime::network {

Result<UniqueFd> NetworkVisit::home() {
  return open_at(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY);
}

Result<NetworkVisit> NetworkVisit::enter(int target) {
  METE_TRY(UniqueFd own, home());
  if (::setns(target, CLONE_NEWNET) != 0) return fail_errno("enter a network namespace");
  return NetworkVisit(std::move(own));
}

Result<NetworkVisit> NetworkVisit::enter(int target, const UniqueFd& home) {
  if (::setns(target, CLONE_NEWNET) != 0) return fail_errno("enter a network namespace");
  return NetworkVisit(home.get());
}

Status NetworkVisit::go_on(int target) {
  return ::setns(target, CLONE_NEWNET) == 0 ? Status() : fail_errno("enter a network namespace");
}

Result<NetworkVisit> NetworkVisit::make() {
  METE_TRY(UniqueFd own, home());
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("make a network namespace");
  return NetworkVisit(std::move(own));
}

NetworkVisit::~NetworkVisit() {
  if (home_ != -1 && ::setns(home_, CLONE_NEWNET) != 0) std::abort();
}

}  // namespace mete::runtime::network
