// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_counters.h"

namespace mete::agent {
namespace {

// Most containers have had one cgroup only: these share one empty sample.
std::shared_ptr<const collectors::Sample> base_of(const std::string& text) {
  static const auto none = std::make_shared<const collectors::Sample>();
  if (text.empty()) return none;
  auto base = collectors::from_text(text);
  return base ? std::make_shared<const collectors::Sample>(std::move(*base)) : none;
}

}  // namespace

ContainerCounters::ContainerCounters(const ContainerSlot& slot, const runtime::cgroup::Group& group)
    : slot_(slot), group_(group), base_(base_of(slot.record().base_sample)) {}

std::optional<collectors::Sample> ContainerCounters::read_kernel() const {
  if (slot_.record().cgroup_id == 0) return std::nullopt;
  auto sampler = collectors::CgroupSampler::open(slot_.services().collection, group_);
  if (!sampler || sampler->read() == collectors::CgroupSampler::Outcome::kGone) return std::nullopt;
  return sampler->sample();
}

collectors::Sample ContainerCounters::read() const {
  const auto live = read_kernel();
  return live ? collectors::add(*base_, *live) : *base_;
}

void ContainerCounters::keep_last() {
  if (final_) return;
  const auto last = read_kernel();
  if (!last) return;
  slot_.record().last_sample = collectors::to_text(*last);
  final_ = last->pids.current == 0U;
}

void ContainerCounters::fold() {
  auto& own = slot_.record();
  base_ = std::make_shared<const collectors::Sample>(
      collectors::add(*base_, collectors::from_text(own.last_sample).value_or(collectors::Sample())));
  own.base_sample = collectors::to_text(*base_);
  own.last_sample.clear();
}

}  // namespace mete::agent
