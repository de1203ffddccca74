// SPDX-License-Identifier: Apache-2.0
#include "collectors/reader.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "collectors/cumulative.h"
#include "collectors/effective.h"

namespace mete::collectors {
namespace {

using runtime::cgroup::Group;

// For what inotify does not tell: cgroups made or removed through another mount, and no watches left.
// Of an ancestor whose series nobody asked for.
constexpr std::uint64_t kNotAsked = 1;
constexpr auto kRescanEvery = std::chrono::seconds(60);
constexpr auto kRescanWithoutWatches = std::chrono::seconds(2);

Series series_of(const Target& target) {
  Series series;
  series.path = target.path;
  series.cgroup_id = target.cgroup_id;
  series.who = target.who;
  series.labels = target.labels;
  series.workload = target.workload;
  series.lifecycle = target.lifecycle;
  series.created = target.created;
  series.started = target.started;
  series.filesystem = target.filesystem;
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

Reader::Reader(const runtime::cgroup::Hierarchies& hierarchies, ReaderOptions options)
    : hierarchies_(hierarchies),
      options_(std::move(options)),
      collection_(hierarchies, options_.collection),
      machine_(options_.collection.proc, options_.collection.sys, options_.collection.etc),
      identifier_(options_.roots) {}

Status Reader::discover() {
  std::vector<std::string> skip;
  if (!options_.own_parent.empty()) skip.push_back(options_.own_parent);
  METE_TRY(CgroupTree tree, CgroupTree::open(hierarchies_, std::move(skip)));
  tree_.emplace(std::move(tree));
  rescan_ = Clock::now() + kRescanEvery;
  for (const auto& [path, node] : tree_->nodes()) found(path);
  return {};
}

void Reader::found(const std::string& path) {
  identify(path, foreign_.insert_or_assign(path, Foreign()).first->second, Clock::now());
}

void Reader::see_changes() {
  if (!tree_) return;
  take_changes(tree_->read_events());
}

void Reader::take_changes(const CgroupTree::Changes& changes) {
  for (const auto& path : changes.removed) forget(path);
  for (const auto& path : changes.added) {
    if (tree_->nodes().contains(path)) found(path);
  }
}

// A container's files may be written, and its first process put into the cgroup, after the cgroup was made.
void Reader::identify(const std::string& path, Foreign& foreign, Clock::time_point now) {
  constexpr std::chrono::milliseconds kSlowest(60'000);
  auto answer = identifier_.identify(hierarchies_, path);
  if (answer.complete) {
    unknown_.erase(path);
  } else {
    unknown_.insert(path);
  }
  foreign.ask_again = now + foreign.retry_in;
  foreign.retry_in = std::min(foreign.retry_in * 4, kSlowest);
  foreign.network = answer.network_namespace;
  foreign.network_pid = answer.pid;
  if (is_exported(options_.exported, answer.who, path)) {
    foreign.labels = std::make_shared<const LabelBlock>(exported_labels(options_.exported, answer.who, path));
  }
  foreign.who = std::make_shared<const Identity>(std::move(answer.who));
}

// The network of a namespace is reported once: on the row of the pod, else of the first container in it. The machine's
// own is the root's.
void Reader::add_foreign_targets() {
  std::map<std::uint64_t, pid_t> pids;             // of a namespace
  std::map<std::string, std::uint64_t> owners;     // path of the row -> namespace
  std::set<std::uint64_t> owned;
  for (const auto& [path, foreign] : foreign_) {
    if (foreign.network == 0 || !foreign.labels || foreign.who->kind != CgroupKind::kContainer) continue;
    if (!owned.insert(foreign.network).second) continue;
    pids[foreign.network] = foreign.network_pid;
    const std::string parent = path.substr(0, path.rfind('/'));
    const auto pod = foreign_.find(parent);
    const bool has_pod = pod != foreign_.end() && pod->second.labels && pod->second.who->kind == CgroupKind::kPod;
    owners[has_pod ? parent : path] = foreign.network;
  }
  // Those of others come after the agent's own, and in the order of their paths, so that the bound cuts off the same.
  const std::size_t most = targets_.size() + static_cast<std::size_t>(options_.exported.most_cgroups);
  for (const auto& [path, foreign] : foreign_) {
    if (!foreign.labels || targets_.size() >= most) continue;
    Target target;
    target.path = path;
    target.foreign = true;
    const auto node = tree_->nodes().find(path);
    if (node == tree_->nodes().end()) continue;
    target.cgroup_id = node->second.id;
    target.who = foreign.who;
    target.labels = foreign.labels;
    target.created = node->second.created;
    target.started = foreign.who->started ? foreign.who->started : node->second.created;
    if (path == "/") target.network_pid = ::getpid();
    if (const auto owner = owners.find(path); owner != owners.end()) target.network_pid = pids[owner->second];
    targets_.push_back(std::move(target));
  }
}

void Reader::begin(std::vector<Target> targets) {
  targets_ = std::move(targets);
  see_changes();
  if (tree_) add_foreign_targets();
  add_ancestors();
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
  set_effective_limits();
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
    throttles_.erase(target.path);
    watched.cgroup_id = target.cgroup_id;
  }
  watched.reading = number_;
  return watched;
}

// Null: nothing was ever read of it. One of the caller's own that went away meanwhile shows what was read before: the
// next snapshot has its last counters.
const Sample* Reader::read_cgroup(Watched& watched, const Target& target) {
  if (!watched.sampler) {
    const auto group = Group::at(hierarchies_, target.path);
    if (!group) return nullptr;
    // Of what others made the tree tells when it is made again.
    const auto id = group->id();
    if (!target.foreign && (!id || *id != target.cgroup_id)) return nullptr;
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
  if (sampler.read() == CgroupSampler::Outcome::kRead) {
    watched.was_read = true;
  } else if (target.foreign) {
    watched.sampler.reset();
    return nullptr;
  }
  return watched.was_read ? &sampler.sample() : nullptr;
}

// Whose limits count though nobody asked for their series. A pod of a single container has its limits there only.
void Reader::add_ancestors() {
  std::set<std::string> known;
  for (const Target& target : targets_) known.insert(target.path);
  std::vector<Target> more;
  for (const Target& target : targets_) {
    std::string path = target.path;
    for (bool first = true; path.size() > 1; first = false) {
      path.erase(std::max<std::size_t>(path.rfind('/'), 1));
      const bool skip = first && target.pod_labels != nullptr;
      if (path == "/" || skip || !known.insert(path).second) continue;
      Target ancestor;
      ancestor.path = path;
      ancestor.foreign = true;
      ancestor.cgroup_id = kNotAsked;
      more.push_back(std::move(ancestor));
    }
  }
  targets_.insert(targets_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void Reader::set_effective_limits() {
  std::unordered_map<std::string_view, const Sample*> samples;
  for (const Series& series : reading_->series) samples.emplace(series.path, series.sample);
  std::vector<const Sample*> chain;
  for (Series& series : reading_->series) {
    if (series.sample == nullptr) continue;
    chain.assign(1, series.sample);
    for (std::string_view path = series.path; path.size() > 1;) {
      path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
      if (path == "/") break;
      const auto found = samples.find(path);
      chain.push_back(found == samples.end() ? nullptr : found->second);
    }
    series.effective = effective_limits(chain, reading_->machine);
  }
}

void Reader::read_target(const Target& target) {
  Series series = series_of(target);
  const Sample* live = nullptr;
  if (target.cgroup_id != 0) {
    Watched& watched = watched_of(target);
    live = read_cgroup(watched, target);
    if (live != nullptr) {
      if (const auto* const throttle = watch_throttling(target, *live)) series.throttle_lengths = throttle->lengths();
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
  series.with_network = target.foreign || (!target.pod_labels && !target.workload);
  series.with_settings = target.foreign ? target.path != "/" : target.workload != nullptr;
  reading_->series.push_back(series);
  if (!target.pod_labels || series.sample == nullptr) return;
  // The pod's cgroup holds nothing else: the same numbers, and the pod's network.
  Series pod;
  pod.path = target.path;
  pod.labels = target.pod_labels;
  pod.sample = series.sample;
  pod.with_settings = false;
  reading_->series.push_back(std::move(pod));
}

// Null: it has no quota.
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
  return throttle ? &throttles_.emplace(target.path, std::move(*throttle)).first->second : nullptr;
}

void Reader::forget_the_gone() {
  std::erase_if(watched_, [this](const auto& entry) {
    const bool gone = entry.second.reading != number_;
    if (gone) throttles_.erase(entry.first);
    return gone;
  });
}

void Reader::forget(const std::string& path) {
  foreign_.erase(path);
  unknown_.erase(path);
  watched_.erase(path);
  throttles_.erase(path);
}

std::optional<Reader::Clock::time_point> Reader::due() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](Clock::time_point time) { first = first ? std::min(*first, time) : time; };
  if (tree_) consider(rescan_);
  for (const auto& path : unknown_) consider(foreign_.at(path).ask_again);
  for (const auto& [path, throttle] : throttles_) consider(throttle.due());
  return first;
}

void Reader::sample(Clock::time_point now) {
  if (tree_ && rescan_ <= now) {
    rescan_ = now + (tree_->complete() ? kRescanEvery : kRescanWithoutWatches);
    take_changes(tree_->rescan());
  }
  const std::set<std::string> asked = unknown_;
  for (const auto& path : asked) {
    Foreign& foreign = foreign_.at(path);
    if (foreign.ask_again <= now) identify(path, foreign, now);
  }
  for (auto each = throttles_.begin(); each != throttles_.end();) {
    const bool gone = each->second.due() <= now && !each->second.read(now);
    each = gone ? throttles_.erase(each) : std::next(each);
  }
}

}  // namespace mete::collectors
