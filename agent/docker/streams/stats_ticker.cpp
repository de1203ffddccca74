// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/stats_ticker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "agent/base/shared_wakeup.h"
#include "agent/docker/endpoints.h"
#include "collectors/cumulative.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

// What stats_text() shows, and nothing else.
collectors::CollectionOptions options_like(const collectors::CollectionOptions& own) {
  constexpr std::array<std::string_view, 5> kShown = {"cpu", "memory", "pids", "io", "network"};
  collectors::CollectionOptions options;
  options.proc = own.proc;
  options.sys = own.sys;
  options.etc = own.etc;
  options.back_off = true;
  options.close_after = std::chrono::seconds(0);
  for (const auto& collector : collectors::builtin_collectors()) {
    if (std::find(kShown.begin(), kShown.end(), collector.name) == kShown.end())
      options.without.emplace_back(collector.name);
  }
  return options;
}

std::uint64_t system_now() {
  const auto text = runtime::read_file(AT_FDCWD, "/proc/stat");
  return text ? system_time(*text, ::sysconf(_SC_CLK_TCK)) : 0;
}

// The machine's network is not the container's, and another container's is that one's.
bool has_own_network(const ContainerRecord& record) {
  const std::string network = own_network(record);
  return network != "host" && !network.starts_with("container:");
}

}  // namespace

StatsTicker::StatsTicker(Containers& containers)
    : containers_(containers),
      collection_(containers.services().hierarchies, options_like(containers.services().collection.options())),
      timer_(containers.services().loop) {}

const Container* StatsTicker::running(const std::string& id) const {
  const auto at = containers_.all().find(id);
  if (at == containers_.all().end() || !containers_.state(at->second).has_process()) return nullptr;
  return containers_.container(at->second);
}

StatsFacts StatsTicker::facts_of(const ContainerRecord& record) const {
  return {record.id, record.name, containers_.services().machine_memory.count(),
          std::max(1U, std::thread::hardware_concurrency())};
}

bool StatsTicker::open(const Container& container, std::optional<collectors::CgroupSampler>& sampler) {
  auto opened = collectors::CgroupSampler::open(collection_, container.cgroup());
  if (!opened) return false;
  sampler.emplace(std::move(*opened));
  return true;
}

StatsMoment StatsTicker::moment_of(const Container& container) {
  std::optional<collectors::CgroupSampler> sampler;
  const auto& base = *container.control().counters().base();
  if (!open(container, sampler)) return {base, system_now()};
  const auto record = containers_.all().find(container.slot().pod().record().workload->uid);
  if (record != containers_.all().end() && has_own_network(record->second))
    (void)sampler->watch_network(container.record().process.pid);
  (void)sampler->read();
  return {collectors::add(base, sampler->sample()), system_now()};
}

void StatsTicker::follow(const std::string& id, Reader reader, std::function<void()> gone) {
  const auto at = containers_.all().find(id);
  if (at == containers_.all().end()) return gone();
  Watched& watched = watched_[id];
  if (watched.clients.empty()) {
    if (!ticking_) system_ = system_now();
    look(at->second, watched);
  }
  if (!reader(watched.line)) {
    if (watched.clients.empty()) watched_.erase(id);
    return;
  }
  watched.clients.push_back({std::move(reader), std::move(gone)});
  if (!std::exchange(ticking_, true)) tick_later();
}

void StatsTicker::look(const ContainerRecord& record, Watched& watched) {
  const StatsFacts facts = facts_of(record);
  const Container* const container = running(record.id);
  const bool there = container != nullptr && (watched.sampler || open(*container, watched.sampler));
  if (there) {
    watched.sampler->settings_are_watched(true);
    const std::uint64_t changes = container->control().limits().changes();
    if (std::exchange(watched.limit_changes, changes) != changes) watched.sampler->refresh_settings();
    const pid_t pid = has_own_network(record) ? container->record().process.pid : 0;
    if (std::exchange(watched.pid, pid) != pid) (void)watched.sampler->watch_network(pid);
  }
  if (!there || watched.sampler->read() == collectors::CgroupSampler::Outcome::kGone) {
    watched.sampler.reset();
    watched.pid = 0;
    watched.before = {};
    watched.line = no_stats_text(facts) + "\n";
    return;
  }
  StatsMoment now{collectors::add(*container->control().counters().base(), watched.sampler->sample()), system_};
  const bool first = watched.before.system == 0;
  watched.line = stats_text(facts, first ? now : watched.before, now) + "\n";
  watched.before = std::move(now);
}

void StatsTicker::tick() {
  collection_.begin_pass();
  system_ = system_now();
  for (auto at = watched_.begin(); at != watched_.end();) {
    Watched& watched = at->second;
    const auto record = containers_.all().find(at->first);
    if (record == containers_.all().end()) {
      for (auto& client : watched.clients) client.gone();
      watched.clients.clear();
    } else {
      look(record->second, watched);
      std::erase_if(watched.clients, [&](const Client& client) { return !client.reader(watched.line); });
    }
    at = watched.clients.empty() ? watched_.erase(at) : std::next(at);
  }
  ticking_ = !watched_.empty();
  if (ticking_) tick_later();
}

void StatsTicker::tick_later() {
  timer_.expires_at(shared_wakeup(std::chrono::steady_clock::now(), std::chrono::seconds(1)));
  timer_.async_wait(alive_.guard_value([this](ErrorCode error) {
    if (!error) tick();
  }));
}

}  // namespace mete::agent::docker
