// SPDX-License-Identifier: Apache-2.0
// The steps of StatefulSets and DaemonSets, and the revisions of their templates.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "agent/base/random.h"
#include "agent/workloads/stateful_plan.h"
#include "agent/workloads/workload_text.h"
#include "agent/workloads/workloads.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

// Pods made in one turn of the loop.
constexpr std::size_t kMadeAtOnce = 4;

int history_limit(const config::Workload& workload) {
  if (const auto* set = std::get_if<config::StatefulSetSpec>(&workload.spec)) return set->revision_history_limit;
  return std::get<config::DaemonSetSpec>(workload.spec).revision_history_limit;
}

}  // namespace

const config::Workload* Workloads::template_for(WorkloadObject& object, const std::string& revision) {
  if (!object.workload) return nullptr;
  const auto& stored = object.record.revisions;
  if (revision.empty() || stored.empty() || stored.back().name == revision) return &*object.workload;
  if (const auto known = object.by_revision.find(revision); known != object.by_revision.end()) return &known->second;
  const auto at =
      std::find_if(stored.begin(), stored.end(), [&](const StoredRevision& each) { return each.name == revision; });
  if (at == stored.end()) return &*object.workload;
  auto read = read_workload_text(with_template(object.text, at->text), object.record.source);
  if (!read) return nullptr;
  return &(object.by_revision[revision] = std::move(*read));
}

// The present template is the last of the revisions. An old one that comes back takes its old name, and a new number.
void Workloads::note_revision(WorkloadObject& object) {
  auto& stored = object.record.revisions;
  const std::string text = template_text(object.text);
  if (!stored.empty() && stored.back().text == text) return;
  const std::int64_t number = stored.empty() ? 1 : stored.back().number + 1;
  const auto& present = config::template_of(*object.workload);
  auto known = stored.end();
  for (auto at = stored.begin(); at != stored.end(); ++at) {
    const auto read = read_workload_text(with_template(object.text, at->text), object.record.source);
    if (read && config::template_of(*read) == present) known = at;
  }
  object.by_revision.clear();
  if (known == stored.end()) {
    std::string name;
    for (int collisions = 0;; ++collisions) {
      name = object.record.name + "-" + hash_of(text, collisions);
      const bool taken =
          std::any_of(stored.begin(), stored.end(), [&](const StoredRevision& each) { return each.name == name; });
      if (!taken) break;
    }
    stored.push_back({std::move(name), number, text});
  } else if (known + 1 != stored.end()) {
    std::rotate(known, known + 1, stored.end());
    stored.back().number = number;
  } else {
    stored.back().text = text;  // the same, said in other words
  }
  if (object.record.current_revision.empty()) object.record.current_revision = stored.back().name;
  save(object);
}

void Workloads::trim_revisions(WorkloadObject& object, const std::vector<Child>& children) {
  auto& stored = object.record.revisions;
  const auto is_used = [&](const StoredRevision& each) {
    return &each == &stored.back() || each.name == object.record.current_revision ||
           std::any_of(children.begin(), children.end(),
                       [&](const Child& child) { return child.revision == each.name; });
  };
  auto unused = std::count_if(stored.begin(), stored.end(), [&](const auto& each) { return !is_used(each); });
  bool changed = false;
  for (auto at = stored.begin(); at != stored.end() && unused > history_limit(*object.workload);) {
    if (is_used(*at)) {
      ++at;
      continue;
    }
    at = stored.erase(at);
    --unused;
    changed = true;
  }
  if (changed) save(object);
}

void Workloads::step_set(WorkloadObject& object) {
  note_revision(object);
  const auto pods = children(object);
  auto& record = object.record;
  const std::string update = record.revisions.back().name;
  const auto* stateful = std::get_if<config::StatefulSetSpec>(&object.workload->spec);
  const auto plan =
      stateful != nullptr
          ? plan_stateful_set({*stateful, replicas_of(object), record.current_revision, update, pods}, wall_now())
          : plan_daemon_set(std::get<config::DaemonSetSpec>(object.workload->spec), update, pods, wall_now());
  if (plan.current != record.current_revision) {
    record.current_revision = plan.current;
    save(object);
  }
  for (const auto& name : plan.remove) remove_pod(object, name);
  std::size_t done = 0;
  for (; done < std::min(plan.create.size(), kMadeAtOnce); ++done) {
    const auto& pod = plan.create[done];
    const std::string name = record.name + "-" + (pod.ordinal < 0 ? random_suffix() : std::to_string(pod.ordinal));
    if (!create_pod(object, name, {.kind = {}, .name = {}, .uid = {}, .revision = pod.revision, .index = pod.ordinal}))
      break;
  }
  if (done == kMadeAtOnce && plan.create.size() > done) dirty(record.uid);
  trim_revisions(object, pods);
  if (stateful != nullptr && stateful->delete_claims_on_scale) {
    remove_claims(object, *stateful, stateful->first_ordinal, stateful->first_ordinal + replicas_of(object));
  }
  look_again(object, plan.look_again);
}

// Directories of claims of pods that are gone, but for the ordinals from `first` to before `end`.
void Workloads::remove_claims(WorkloadObject& object, const config::StatefulSetSpec& spec, int first, int end) {
  const std::string folder = services_.settings.claims() + "/" + object.record.namespace_;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    for (const auto& claim : spec.claims) {
      const std::string begin = claim + "-" + object.record.name + "-";
      if (!name.starts_with(begin)) continue;
      const std::string digits = name.substr(begin.size());
      int ordinal = 0;
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
      if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) continue;
      if (ordinal >= first && ordinal < end) continue;
      if (reconciler_.find(object.record.namespace_ + "/" + object.record.name + "-" + digits) != nullptr) continue;
      if (const auto removed = runtime::remove_tree(entry.path().string()); !removed)
        complain_once(object, removed.error().what);
    }
  }
}

}  // namespace mete::agent
