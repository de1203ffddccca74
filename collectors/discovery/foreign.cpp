// SPDX-License-Identifier: Apache-2.0
#include "collectors/discovery/foreign.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace mete::collectors {
namespace {

// For what inotify does not tell: cgroups made or removed through another mount, and no watches left.
constexpr auto kRescanEvery = std::chrono::seconds(60);
constexpr auto kRescanWithoutWatches = std::chrono::seconds(2);

}  // namespace

ForeignCgroups::ForeignCgroups(const runtime::cgroup::Hierarchies& hierarchies, Options options, CgroupTree tree)
    : hierarchies_(&hierarchies),
      options_(std::move(options)),
      tree_(std::move(tree)),
      identifier_(options_.roots),
      rescan_(Clock::now() + kRescanEvery) {}

Result<ForeignCgroups> ForeignCgroups::open(const runtime::cgroup::Hierarchies& hierarchies, Options options) {
  std::vector<std::string> skip;
  if (!options.own_parent.empty()) skip.push_back(options.own_parent);
  METE_TRY(CgroupTree tree, CgroupTree::open(hierarchies, std::move(skip)));
  ForeignCgroups all(hierarchies, std::move(options), std::move(tree));
  for (const auto& [path, node] : all.tree_.nodes()) all.found(path);
  return all;
}

void ForeignCgroups::found(const std::string& path) {
  identify(path, known_.insert_or_assign(path, Known()).first->second, Clock::now());
}

void ForeignCgroups::take(const CgroupTree::Changes& changes) {
  for (const auto& path : changes.removed) {
    known_.erase(path);
    unknown_.erase(path);
  }
  for (const auto& path : changes.added) {
    if (tree_.nodes().contains(path)) found(path);
  }
}

std::vector<std::string> ForeignCgroups::see_changes() {
  auto changes = tree_.read_events();
  take(changes);
  return std::move(changes.removed);
}

// A container's files may be written, and its first process put into the cgroup, after the cgroup was made.
void ForeignCgroups::identify(const std::string& path, Known& known, Clock::time_point now) {
  constexpr std::chrono::milliseconds kSlowest(60'000);
  auto answer = identifier_.identify(*hierarchies_, path);
  if (answer.complete) {
    unknown_.erase(path);
  } else {
    unknown_.insert(path);
  }
  known.ask_again = now + known.retry_in;
  known.retry_in = std::min(known.retry_in * 4, kSlowest);
  known.network = answer.network_namespace;
  known.network_pid = answer.pid;
  known.labels.reset();
  if (is_exported(options_.exported, answer.who, path)) {
    known.labels = std::make_shared<const LabelBlock>(exported_labels(options_.exported, answer.who, path));
  }
  known.who = std::make_shared<const Identity>(std::move(answer.who));
}

ForeignCgroups::Clock::time_point ForeignCgroups::due() const {
  Clock::time_point first = rescan_;
  for (const auto& path : unknown_) first = std::min(first, known_.at(path).ask_again);
  return first;
}

std::vector<std::string> ForeignCgroups::look_again(Clock::time_point now) {
  CgroupTree::Changes changes;
  if (rescan_ <= now) {
    changes = tree_.rescan();
    rescan_ = now + (tree_.complete() ? kRescanEvery : kRescanWithoutWatches);
    take(changes);
  }
  const std::set<std::string> asked = unknown_;
  for (const auto& path : asked) {
    Known& known = known_.at(path);
    if (known.ask_again <= now) identify(path, known, now);
  }
  return std::move(changes.removed);
}

// The network of a namespace is reported once: on the row of the pod, else of the first container in it. The machine's
// own is the root's.
std::map<std::string, pid_t> ForeignCgroups::network_rows() const {
  std::map<std::string, pid_t> rows = {{"/", ::getpid()}};
  std::set<std::uint64_t> done;
  for (const auto& [path, known] : known_) {
    if (known.network == 0 || !known.labels || known.who->kind != CgroupKind::kContainer) continue;
    if (!done.insert(known.network).second) continue;
    const std::string parent = path.substr(0, path.rfind('/'));
    const auto pod = known_.find(parent);
    const bool has_pod = pod != known_.end() && pod->second.labels && pod->second.who->kind == CgroupKind::kPod;
    rows[has_pod ? parent : path] = known.network_pid;
  }
  return rows;
}

std::vector<Target> ForeignCgroups::targets() const {
  const auto networks = network_rows();
  std::vector<Target> targets;
  for (const auto& [path, known] : known_) {
    if (!known.labels) continue;
    if (targets.size() >= static_cast<std::size_t>(options_.exported.most_cgroups)) break;
    const auto node = tree_.nodes().find(path);
    if (node == tree_.nodes().end()) continue;
    Target target;
    target.path = path;
    target.foreign = true;
    target.cgroup_id = node->second.id;
    target.who = known.who;
    target.labels = known.labels;
    target.created = node->second.created;
    target.started = known.who->started ? known.who->started : node->second.created;
    if (const auto row = networks.find(path); row != networks.end()) target.network_pid = row->second;
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace mete::collectors
