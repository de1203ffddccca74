// SPDX-License-Identifier: Apache-2.0
#include "collectors/reader.h"

#include <algorithm>
#include <utility>

#include "collectors/cumulative.h"

namespace mete::collectors {
namespace {

using runtime::cgroup::Group;

Series series_of(const Target& target) {
  Series series;
  series.labels = target.labels;
  series.workload = target.workload;
  series.lifecycle = target.lifecycle;
  series.started = target.started;
  return series;
}

}  // namespace

std::uint64_t own_oom_kills(const OomTally& tally, const OomCounts& others, const Sample* sample) {
  std::uint64_t counter = tally.told;
  if (sample != nullptr) {
    const MemorySample& memory = sample->memory;
    const Count read = tally.by_group && memory.events_oom_group_kill ? memory.events_oom_group_kill : memory.oom_kills;
    counter = std::max(read.value_or(tally.told), tally.told);
  }
  const std::uint64_t all = tally.base + (counter > tally.from ? counter - tally.from : 0);
  const std::uint64_t elsewhere = others.pod + others.ancestor + others.host;
  return all > elsewhere ? all - elsewhere : 0;
}

Reader::Reader(const runtime::cgroup::Hierarchies& hierarchies, CollectionOptions options)
    : hierarchies_(hierarchies),
      collection_(hierarchies, std::move(options)),
      machine_(collection_.options().proc, collection_.options().sys, collection_.options().etc) {}

void Reader::begin(std::vector<Target> targets) {
  targets_ = std::move(targets);
  next_ = 0;
  failed_ = false;
  ++number_;
  reading_ = std::make_shared<Reading>();
  reading_->at = Clock::now();
  reading_->series.reserve(targets_.size() * 2);
}

bool Reader::step(Clock::duration budget) {
  const auto end = Clock::now() + budget;
  while (next_ < targets_.size()) {
    read_target(targets_[next_++]);
    if (Clock::now() >= end) return false;
  }
  forget_the_gone();
  reading_->machine = machine_.read();
  reading_->machine.containers_failed = failed_;
  reading_->cost.assign(cost().begin(), cost().end());
  reading_->took = Clock::now() - reading_->at;
  return true;
}

std::shared_ptr<const Reading> Reader::take() {
  targets_.clear();
  return std::exchange(reading_, nullptr);
}

// A cgroup made again under the same path is another one: nothing of the old one is its.
Reader::Watched& Reader::watched_of(const Target& target) {
  Watched& watched = watched_[target.path];
  if (watched.cgroup_id != target.cgroup_id) {
    watched = Watched();
    watched.cgroup_id = target.cgroup_id;
  }
  watched.reading = number_;
  return watched;
}

// Null: nothing was ever read of it. A cgroup that went away meanwhile shows what was read before: the caller's next
// snapshot has its last counters.
const Sample* Reader::read_cgroup(Watched& watched, const Target& target) {
  if (!watched.sampler) {
    const auto group = Group::at(hierarchies_, target.path);
    if (!group) return nullptr;
    const auto id = group->id();
    if (!id || *id != target.cgroup_id) return nullptr;
    auto sampler = CgroupSampler::open(collection_, *group);
    if (!sampler) {
      failed_ = failed_ || !runtime::cgroup::is_gone(sampler.error());
      return nullptr;
    }
    watched.sampler.emplace(std::move(*sampler));
  }
  CgroupSampler& sampler = *watched.sampler;
  if (watched.network_pid != target.network_pid) {
    (void)sampler.watch_network(target.network_pid);
    watched.network_pid = target.network_pid;
  }
  if (watched.limit_changes != target.limit_changes) sampler.refresh_settings();
  watched.limit_changes = target.limit_changes;
  if (sampler.read() == CgroupSampler::Outcome::kRead) watched.was_read = true;
  return watched.was_read ? &sampler.sample() : nullptr;
}

void Reader::read_target(const Target& target) {
  Series series = series_of(target);
  const Sample* live = nullptr;
  if (target.cgroup_id != 0) {
    Watched& watched = watched_of(target);
    live = read_cgroup(watched, target);
    if (live != nullptr) {
      watch_throttling(watched, target.path, *live);
      if (watched.throttle) series.throttle_lengths = watched.throttle->lengths();
    }
  }
  // With a cgroup that could not be read the base alone would look like counters that went back.
  const bool complete = live != nullptr || target.cgroup_id == 0;
  if (complete && (live != nullptr || target.base)) {
    const Sample empty;
    Sample& sample = reading_->samples.emplace_back();
    add_into(target.base ? *target.base : empty, live != nullptr ? *live : empty, sample);
    sample.at = live != nullptr ? live->at : reading_->at;
    series.sample = &sample;
  }
  if (series.lifecycle) {
    series.lifecycle->oom_kills.container = own_oom_kills(target.oom, target.lifecycle->oom_kills, live);
  }
  series.with_network = !target.pod_labels && !target.workload;
  series.with_settings = target.workload != nullptr;
  reading_->series.push_back(series);
  if (!target.pod_labels || series.sample == nullptr) return;
  // The pod's cgroup holds nothing else: the same numbers, and the pod's network.
  Series pod;
  pod.labels = target.pod_labels;
  pod.sample = series.sample;
  pod.with_settings = false;
  reading_->series.push_back(std::move(pod));
}

void Reader::watch_throttling(Watched& watched, const std::string& path, const Sample& sample) {
  if (!sample.cpu.quota) {
    watched.throttle.reset();
    return;
  }
  if (watched.throttle) return;
  const auto group = Group::at(hierarchies_, path);
  if (!group) return;
  if (auto throttle = ThrottleWatch::open(*group, Clock::now())) watched.throttle.emplace(std::move(*throttle));
}

void Reader::forget_the_gone() {
  std::erase_if(watched_, [this](const auto& entry) { return entry.second.reading != number_; });
}

std::optional<Reader::Clock::time_point> Reader::due() const {
  std::optional<Clock::time_point> first;
  for (const auto& [path, watched] : watched_) {
    if (watched.throttle && (!first || watched.throttle->due() < *first)) first = watched.throttle->due();
  }
  return first;
}

void Reader::sample(Clock::time_point now) {
  for (auto& [path, watched] : watched_) {
    if (watched.throttle && watched.throttle->due() <= now && !watched.throttle->read(now)) watched.throttle.reset();
  }
}

}  // namespace mete::collectors
