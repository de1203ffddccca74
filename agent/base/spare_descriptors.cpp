// SPDX-License-Identifier: Apache-2.0
#include "agent/base/spare_descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace mete::agent {
namespace {

// A snapshot, a record and a kill together need a handful of descriptors.
constexpr rlim_t kSpare = 32;

int users = 0;

void set_limit(bool all) {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = all ? limit.rlim_max : limit.rlim_max - std::min(kSpare, limit.rlim_max / 2);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void keep_spare_descriptors() {
  set_limit(false);
}

SpareDescriptors::SpareDescriptors() {
  if (users++ == 0) set_limit(true);
}

SpareDescriptors::~SpareDescriptors() {
  if (--users == 0) set_limit(false);
}

}  // namespace mete::agent
