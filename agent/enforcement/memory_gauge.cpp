// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/memory_gauge.h"

#include <algorithm>

#include "runtime/cgroup/memory/memory.h"

namespace mete::agent {
namespace {

// Limits of ancestors change rarely, and without a policy only an estimate is made of them.
constexpr auto kAboveAgain = std::chrono::seconds(10);
constexpr auto kAboveAgainUnheld = std::chrono::seconds(60);

}  // namespace

bool MemoryGauge::open(collectors::MemoryProbe::Wanted wanted) {
  auto probe = collectors::MemoryProbe::open(subject_.cgroup(), wanted);
  if (!probe) return false;
  probe_ = std::move(*probe);
  limit_above_read_ = {};
  return true;
}

std::optional<collectors::MemoryMoment> MemoryGauge::read() {
  if (!probe_) return std::nullopt;
  const auto moment = probe_->read();
  if (!moment) return std::nullopt;
  usage_ = moment->usage;
  history_.see(moment->at, moment->usage);
  return moment;
}

std::optional<Bytes> MemoryGauge::limit_in_force() {
  const auto now = std::chrono::steady_clock::now();
  if (now - limit_above_read_ >= (subject_.policy() != nullptr ? kAboveAgain : kAboveAgainUnheld)) {
    limit_above_read_ = now;
    const auto above = memory_limit_above(subject_.cgroup());
    limit_above_ = above ? std::optional(above->limit) : std::nullopt;
  }
  const auto own = subject_.memory_limit();
  return own && limit_above_ ? std::min(*own, *limit_above_) : own ? own : limit_above_;
}

std::optional<Bytes> MemoryGauge::bound() {
  const auto limit = limit_in_force();
  return limit || services_.machine_memory == Bytes(0) ? limit : services_.machine_memory;
}

std::optional<Bytes> MemoryGauge::page_cache() const {
  return runtime::cgroup::page_cache(subject_.cgroup());
}

}  // namespace mete::agent
