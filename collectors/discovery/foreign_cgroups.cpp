// SPDX-License-Identifier: Apache-2.0
#include "collectors/discovery/foreign_cgroups.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace mete::collectors {
namespace {

// A rescan finds cgroups that inotify does not report: those made or removed through another mount, and all when no
// watches are left.
constexpr std::chrono::seconds kRescanEvery(60);
constexpr std::chrono::seconds kRescanWithoutWatches(2);

// A container's first process is in its cgroup before it leaves the machine's network and root: identification is
// repeated this many times.
constexpr int kLooks = 4;

// The start time on file may be that of an earlier run; the time at which inotify reported the group cannot.
std::optional<std::chrono::system_clock::time_point> start_of(const Identity& who, const CgroupNode& node) {
  const bool stale = node.seen_made && who.started && *who.started < node.created;
  return who.started && !stale ? who.started : node.created;
}

}  // namespace

ForeignCgroups::ForeignCgroups(const runtime::cgroup::Hierarchies& hierarchies, Options options, CgroupTree tree)
    : hierarchies_(&hierarchies),
      options_(std::move(options)),
      tree_(std::move(tree)),
      identifier_(options_.roots),
      rescan_(Clock::now() + (tree_.complete() ? kRescanEvery : kRescanWithoutWatches)) {}

Result<ForeignCgroups> ForeignCgroups::open(const runtime::cgroup::Hierarchies& hierarchies, Options options) {
  std::vector<std::string> skip;
  if (!options.own_parent.empty()) skip.push_back(options.own_parent);
  METE_TRY(CgroupTree tree, CgroupTree::open(hierarchies, std::move(skip)));
  ForeignCgroups all(hierarchies, std::move(options), std::move(tree));
  for (const auto& [path, node] : all.tree_.nodes()) all.found(path);
  return all;
}

void ForeignCgroups::found(const std::string& path) {
  forget(path);
  identify(path, known_[path], Clock::now());
}

void ForeignCgroups::forget(const std::string& path) {
  const auto known = known_.find(path);
  if (known == known_.end()) return;
  if (known->second.ask_again) waiting_.erase({*known->second.ask_again, path});
  known_.erase(known);
}

void ForeignCgroups::take(const CgroupTree::Changes& changes) {
  for (const auto& path : changes.removed) forget(path);
  for (const auto& path : changes.added) {
    if (tree_.nodes().contains(path)) found(path);
  }
}

std::vector<std::string> ForeignCgroups::handle_events() {
  auto changes = tree_.read_events();
  take(changes);
  if (!tree_.complete()) rescan_ = std::min(rescan_, Clock::now() + kRescanWithoutWatches);
  return std::move(changes.removed);
}

// Asks again later when the answer is incomplete: a container's files may be written, and its first process may enter
// the cgroup, after the cgroup was made.
void ForeignCgroups::identify(const std::string& path, Known& known, Clock::time_point now) {
  constexpr std::chrono::milliseconds kSlowest(60'000);
  auto answer = identifier_.identify(*hierarchies_, path);
  const bool container = answer.who.kind == CgroupKind::kContainer;
  const bool outside = container && (answer.network_namespace == 0 || answer.writable.empty());
  const bool again = !answer.complete || (outside && ++known.looks < kLooks);
  known.ask_again.reset();
  if (again) {
    known.ask_again = now + known.retry_in;
    known.retry_in = std::min(known.retry_in * 4, kSlowest);
    waiting_.emplace(*known.ask_again, path);
  }
  known.network = answer.network_namespace;
  known.network_pid = answer.pid;
  known.writable = std::move(answer.writable);
  known.labels.reset();
  if (is_exported(options_.exported, answer.who, path)) {
    known.labels = std::make_shared<const LabelBlock>(exported_labels(options_.exported, answer.who, path));
  }
  known.who = std::make_shared<const Identity>(std::move(answer.who));
}

ForeignCgroups::Clock::time_point ForeignCgroups::due() const {
  return waiting_.empty() ? rescan_ : std::min(rescan_, waiting_.begin()->first);
}

std::vector<std::string> ForeignCgroups::refresh(Clock::time_point now) {
  CgroupTree::Changes changes;
  if (rescan_ <= now) {
    changes = tree_.rescan();
    rescan_ = now + (tree_.complete() ? kRescanEvery : kRescanWithoutWatches);
    take(changes);
  }
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const std::string path = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    identify(path, known_.at(path), now);
  }
  return std::move(changes.removed);
}

// A namespace's network is reported once: on the row of the pod, else of the first container in it. The machine's own
// network is on the root's row.
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
  std::set<std::string_view> shown;  // without `id` two groups may have the same labels: the first one wins
  for (const auto& [path, known] : known_) {
    if (!known.labels) continue;
    if (!options_.exported.id_label && !shown.insert(known.labels->text()).second) continue;
    if (targets.size() >= static_cast<std::size_t>(options_.exported.most_cgroups)) break;
    const auto node = tree_.nodes().find(path);
    if (node == tree_.nodes().end()) continue;
    Target target;
    target.path = path;
    target.foreign = true;
    target.cgroup_id = node->second.id;
    target.who = known.who;
    target.labels = known.labels;
    target.writable = known.writable;
    target.created = node->second.created;
    target.started = start_of(*known.who, node->second);
    if (const auto row = networks.find(path); row != networks.end()) target.network_pid = row->second;
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace mete::collectors
