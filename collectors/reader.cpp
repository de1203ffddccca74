// SPDX-License-Identifier: Apache-2.0
#include "collectors/reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mete::collectors {
namespace {

using runtime::cgroup::Group;

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

CollectionOptions with_back_off(CollectionOptions options) {
  options.back_off = true;
  return options;
}

}  // namespace

Reader::Reader(const runtime::cgroup::Hierarchies& hierarchies, ReaderOptions options)
    : hierarchies_(hierarchies),
      collection_(hierarchies, with_back_off(options.collection)),
      machine_(options.collection.proc, options.collection.sys, options.collection.etc),
      discovery_(std::move(options.discovery)) {}

Status Reader::discover() {
  METE_TRY(ForeignCgroups found, ForeignCgroups::open(hierarchies_, discovery_));
  foreign_.emplace(std::move(found));
  return {};
}

void Reader::handle_events() {
  if (foreign_) forget(foreign_->handle_events());
}

void Reader::begin(std::vector<Target> targets) {
  targets_ = std::move(targets);
  const std::size_t own = targets_.size();  // may have a pod's row too
  handle_events();
  if (foreign_) {
    auto found = foreign_->targets();
    targets_.insert(targets_.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  add_ancestors();
  collection_.begin_pass();
  next_ = 0;
  failed_ = false;
  ++number_;
  look_at_parents();
  reading_ = std::make_shared<Reading>();
  reading_->at = Clock::now();
  reading_->samples.reserve(targets_.size());
  reading_->series.reserve(targets_.size() + own);
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
  set_effective_limits();
  reading_->cost.assign(cost().begin(), cost().end());
  reading_->took = Clock::now() - reading_->at;
  return true;
}

std::shared_ptr<const Reading> Reader::take() {
  targets_ = {};  // with its memory
  return std::exchange(reading_, nullptr);
}

// One look at a parent takes as many reads as one at a group below it.
void Reader::look_at_parents() {
  constexpr std::size_t kWorthALook = 4;
  for (const Target& target : targets_) {
    if (target.cgroup_id == 0 || target.path == "/") continue;
    Parent& parent = parents_[parent_of(target.path)];
    parent.groups = parent.reading == number_ ? parent.groups + 1 : 1;
    parent.reading = number_;
  }
  for (auto each = parents_.begin(); each != parents_.end();) {
    Parent& parent = each->second;
    if (parent.reading != number_) {
      each = parents_.erase(each);
      continue;
    }
    if (parent.groups < kWorthALook) {
      parent.watch.reset();
    } else if (parent.watch == nullptr) {
      if (const auto group = Group::at(hierarchies_, each->first))
        parent.watch = std::make_unique<ParentWatch>(collection_, *group);
    }
    parent.may_have_waited = parent.watch == nullptr || parent.watch->may_have_waited();
    ++each;
  }
}

// By the nearest ancestor that is watched: its counters include those of all groups below.
bool Reader::may_have_waited(const std::string& path) const {
  for (std::string at = path; at != "/";) {
    at = parent_of(at);
    const auto found = parents_.find(at);
    if (found != parents_.end() && found->second.watch != nullptr) return found->second.may_have_waited;
  }
  return true;
}

// A cgroup made again under the same path is another cgroup: no state of the old one applies to it.
Reader::Watched& Reader::watched_of(const Target& target) {
  Watched& watched = watched_[target.path];
  if (watched.cgroup_id != target.cgroup_id) {
    watched = Watched();
    throttles_.erase(target.path);
    watched.cgroup_id = target.cgroup_id;
  }
  watched.reading = number_;
  return watched;
}

// Null: the cgroup was never read. A cgroup of the caller's own that was removed meanwhile keeps its last sample; the
// next reading's targets have its last counters.
const Sample* Reader::read_cgroup(Watched& watched, const Target& target) {
  if (!watched.sampler) {
    const auto group = Group::at(hierarchies_, target.path);
    if (!group) return nullptr;
    // For foreign groups the cgroup tree reports when a group is made again.
    if (!target.foreign && group->id().value_or(0) != target.cgroup_id) return nullptr;
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
  sampler.settings_are_watched(target.settings_watched);
  if (sampler.read(may_have_waited(target.path)) == CgroupSampler::Outcome::kRead) {
    watched.was_read = true;
  } else if (target.foreign) {
    watched.sampler.reset();
    return nullptr;
  }
  return watched.was_read ? &sampler.sample() : nullptr;
}

// Null: no writable layer, or not measured yet.
std::shared_ptr<const FilesystemUsage> Reader::filesystem_of(const Target& target) {
  if (target.writable.empty() || !collection_.options().wants("disk")) return nullptr;
  auto whole = usage_of(target.writable);
  if (target.writable_base.empty() || !whole || !whole->usage) return whole;
  const auto base = usage_of(target.writable_base);
  if (!base || !base->usage) return nullptr;
  auto more = std::make_shared<FilesystemUsage>(*whole);
  more->usage = std::max(*whole->usage, *base->usage) - *base->usage;
  return more;
}

// Null: not measured yet.
std::shared_ptr<const FilesystemUsage> Reader::usage_of(const std::string& directory) {
  auto found = walks_.find(directory);
  if (found == walks_.end()) {
    auto walker = UsageWalker::open(directory);
    if (!walker) return nullptr;
    found = walks_.emplace(directory, Walk{std::move(*walker)}).first;
    walks_due_.add(found->second.walker.due(), directory);
  }
  found->second.reading = number_;
  return found->second.walker.usage();
}

// Makes one step of the walk that has waited longest, so that other reads wait for 2 ms at most.
void Reader::walk_one(Clock::time_point now) {
  if (now < walk_again_) return;
  while (auto directory = walks_due_.take(now)) {
    const auto found = walks_.find(*directory);
    if (found == walks_.end() || found->second.walker.due() > now) continue;
    UsageWalker& walker = found->second.walker;
    const auto began = Clock::now();
    (void)walker.step(now);
    walk_again_ = now + std::chrono::duration_cast<Clock::duration>((Clock::now() - began) / UsageWalkOptions().duty);
    walks_due_.add(walker.due(), std::move(*directory));
    return;
  }
}

// Null: the group has no quota.
const ThrottleWatch* Reader::watch_throttling(const Target& target, const Sample& sample) {
  const auto found = throttles_.find(target.path);
  if (!sample.cpu.quota) {
    if (found != throttles_.end()) throttles_.erase(found);
    return nullptr;
  }
  if (found != throttles_.end()) return &found->second;
  const auto group = Group::at(hierarchies_, target.path);
  if (!group) return nullptr;
  auto throttle = ThrottleWatch::open(*group, Clock::now());
  if (!throttle) return nullptr;
  throttles_due_.add(throttle->due(), target.path);
  return &throttles_.emplace(target.path, std::move(*throttle)).first->second;
}

void Reader::forget_the_gone() {
  std::erase_if(walks_, [this](const auto& entry) { return entry.second.reading != number_; });
  std::erase_if(watched_, [this](const auto& entry) {
    const bool gone = entry.second.reading != number_;
    if (gone) throttles_.erase(entry.first);
    return gone;
  });
}

void Reader::forget(const std::vector<std::string>& gone) {
  for (const auto& path : gone) {
    watched_.erase(path);
    throttles_.erase(path);
  }
}

std::optional<Reader::Clock::time_point> Reader::due() const {
  std::optional<Clock::time_point> first;
  if (foreign_) first = foreign_->due();
  const auto consider = [&](Clock::time_point due) { first = first ? std::min(*first, due) : due; };
  if (const auto throttle = throttles_due_.first()) consider(*throttle);
  if (const auto walk = walks_due_.first()) consider(std::max(*walk, walk_again_));
  return first;
}

void Reader::sample(Clock::time_point now) {
  if (foreign_) forget(foreign_->refresh(now));
  walk_one(now);
  while (auto path = throttles_due_.take(now)) {
    const auto found = throttles_.find(*path);
    if (found == throttles_.end() || found->second.due() > now) continue;
    if (found->second.read(now)) {
      throttles_due_.add(found->second.due(), std::move(*path));
    } else {
      throttles_.erase(found);
    }
  }
}

}  // namespace mete::collectors
