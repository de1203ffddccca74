// SPDX-License-Identifier: Apache-2.0
// Of Reader: the series of one target.
#include <utility>

#include "collectors/cumulative.h"
#include "collectors/machine_filesystems.h"
#include "collectors/reader.h"

namespace mete::collectors {
namespace {

using runtime::cgroup::Group;

Series series_of(const Target& target) {
  Series series;
  series.path = target.path;
  series.cgroup_id = target.cgroup_id;
  series.who = target.who;
  series.labels = target.labels;
  series.workload = target.workload;
  if (!target.pod_labels) series.network = target.network_labels;
  series.lifecycle = target.lifecycle;
  series.created = target.created;
  series.started = target.started;
  return series;
}

}  // namespace

// Only where the counters have grown are the others of the path read: most groups have no kill, ever. Those from before
// the first look are counted as well as the counters alone tell.
Count Reader::count_oom_kills(Watched& watched, const Target& target, const MemorySample& memory) {
  using runtime::cgroup::OomCounters;
  if (!memory.oom_kills) return std::nullopt;
  OomCounters now;
  now.all = {memory.events_oom.value_or(0), *memory.oom_kills, memory.events_oom_group_kill.value_or(0)};
  const auto known = watched.oom ? watched.oom->known : OomCounters();
  if (runtime::cgroup::has_new_kills(known, now)) {
    if (const auto group = Group::at(hierarchies_, target.path)) runtime::cgroup::read_oom_path(*group, now);
    const auto news = runtime::cgroup::oom_kills_between(known, now, {.kills_group = memory.oom_group.value_or(false)});
    if (!watched.oom) watched.oom = std::make_unique<OomAccount>();
    watched.oom->kills += news.kills.size();
    watched.oom->known = std::move(now);
  }
  return watched.oom ? watched.oom->kills : 0;
}

void Reader::read_target(const Target& target) {
  Series series = series_of(target);
  series.filesystem = filesystem_of(target);
  if (target.foreign && target.path == "/" && collection_.options().wants("disk"))
    series.disks = read_machine_filesystems();
  const Sample* live = nullptr;
  Count oom_events;
  if (target.cgroup_id != 0) {
    Watched& watched = watched_of(target);
    live = read_cgroup(watched, target);
    if (live != nullptr) {
      if (!target.oom_kills) oom_events = count_oom_kills(watched, target, live->memory);
      if (const auto* const throttle = watch_throttling(target, *live)) series.throttle_lengths = throttle->lengths();
    }
  }
  // When the cgroup could not be read, the base alone would look like counters that went back.
  const bool complete = live != nullptr || target.cgroup_id == 0;
  if (complete && (live != nullptr || target.base)) {
    Sample& sample = reading_->samples.emplace_back();
    if (!target.base) {
      sample = *live;
    } else {
      add_into(*target.base, live != nullptr ? *live : Sample(), sample);
    }
    sample.at = live != nullptr ? live->at : reading_->at;
    sample.memory.oom_events = target.oom_kills ? target.oom_kills : oom_events;
    series.sample = &sample;
  }
  series.with_network = target.foreign || (!target.pod_labels && !target.workload);
  series.with_settings = target.foreign ? target.path != "/" : target.workload != nullptr;
  const Sample* const shown = series.sample;
  reading_->series.push_back(std::move(series));
  if (!target.pod_labels || shown == nullptr) return;
  // The pod's cgroup holds nothing else: the pod's row has the same numbers, and the pod's network.
  Series pod;
  pod.path = target.path;
  pod.labels = target.pod_labels;
  pod.network = target.network_labels;
  pod.sample = shown;
  pod.with_settings = false;
  reading_->series.push_back(std::move(pod));
}

}  // namespace mete::collectors
