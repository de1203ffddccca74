// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/reconciler.h"

#include <algorithm>
#include <set>

#include "agent/enforcement/idle_cpu.h"
#include "agent/networks/networks.h"
#include "agent/pods/record/pod_identity.h"
#include "agent/pods/user_ranges.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/abilities.h"

namespace mete::agent {
namespace {

constexpr auto kRetryCreate = std::chrono::seconds(2);

}  // namespace

Step decide(const PodFacts& facts) {
  if (facts.terminating) return Step::kNothing;  // evaluated again when the pod is gone
  if (!facts.exists) return facts.desired ? Step::kCreate : Step::kNothing;
  if (facts.undecided) return Step::kNothing;
  if (!facts.desired) return Step::kDelete;
  if (!facts.same_hash) return Step::kReplace;
  return facts.same_settings ? Step::kNothing : Step::kUpdate;
}

Pod* Reconciler::find(const std::string& key) const {
  const auto at = pods_.find(key);
  return at == pods_.end() ? nullptr : at->second.get();
}

Container* Reconciler::by_cgroup(const std::string& path) const {
  for (const auto& [key, pod] : pods_) {
    if (!path.starts_with(pod->cgroup().path() + "/")) continue;
    for (const auto& container : pod->containers()) {
      const auto& own = container->cgroup().path();
      if (path == own || path.starts_with(own + "/")) return container.get();
    }
  }
  return nullptr;
}

// On v2 the kernel protects a cgroup's memory only as far as its parents' memory is protected. The system's CPU reserve
// is subtracted from the weight of all pods together.
void Reconciler::protect_parent() {
  runtime::cgroup::Limits limits;
  Bytes sum(0);
  if (runtime::cgroup::has_memory_min(services_.hierarchies)) {
    for (const auto& [key, pod] : pods_) sum += pod->memory_request();
    limits.memory_min = runtime::cgroup::Limit<Bytes>(sum);
  }
  if (const auto reserved = services_.settings.config.machine.reserve_cpu; reserved > MilliCpu(0)) {
    limits.cpu_shares = enforcers::cpu_shares(std::max(MilliCpu(0), MilliCpu(1000L * IdleCpu::cpus()) - reserved));
  }
  if ((!limits.memory_min && !limits.cpu_shares) || protected_ == sum) return;
  const auto parent = runtime::cgroup::Group::at(services_.hierarchies, services_.settings.cgroup_parent);
  const auto applied = parent ? parent->apply(limits) : tl::unexpected(parent.error());
  if (applied || !runtime::cgroup::is_gone(applied.error())) protected_ = sum;
  if (!applied && (sum > Bytes(0) || limits.cpu_shares) && !runtime::cgroup::is_gone(applied.error())) {
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kLimitFailed), .message = applied.error().what});
  }
}

std::optional<std::vector<std::string>> Reconciler::layers_in_use() const {
  std::vector<std::string> layers;
  for (const auto& [key, pod] : pods_) {
    for (const auto& container : pod->record().containers) {
      if (container.layers.empty() && container.attempt > 0) return std::nullopt;
      layers.insert(layers.end(), container.layers.begin(), container.layers.end());
    }
  }
  return layers;
}

void Reconciler::read_desired() {
  wanted_.clear();
  const auto& plans = manifests_.desired().pods;
  for (std::size_t i = 0; i < plans.size(); ++i)
    wanted_[config::full_name(plans[i]->pod.metadata)] = {plans[i], &manifests_.hashes()[i]};
  if (on_desired_) on_desired_();
}

// Also one that an agent has recorded for which more was part of the identity.
bool Reconciler::is_same(PodRecord& record, const Wanted& wanted) {
  if (record.hash == wanted.hashes->identity) return true;
  if (!was_identity(*wanted.plan, record.hash)) return false;
  record.hash = wanted.hashes->identity;
  return true;
}

void Reconciler::reconcile(const std::vector<std::string>& at_once) {
  read_desired();
  for (const auto& key : at_once) reconcile_pod(key);
  std::set<std::string> keys;
  for (const auto& [key, wanted] : wanted_) keys.insert(key);
  for (const auto& [key, pod] : pods_) keys.insert(key);
  for (const auto& key : keys) services_.turns.add(alive_.guard([this, key] { reconcile_pod(key); }));
}

void Reconciler::end_all(std::chrono::seconds grace) {
  ending_ = true;
  for (const auto& [key, pod] : pods_) {
    services_.turns.add(alive_.guard([this, key = key, grace] {
      if (Pod* const each = find(key)) each->terminate(grace);
    }));
  }
}

void Reconciler::reconcile_pod(const std::string& key, bool stopped) {
  if (ending_) return;
  const auto wanted = wanted_.find(key);
  const config::SharedPlan plan = wanted == wanted_.end() ? nullptr : wanted->second.plan;
  Pod* pod = find(key);
  if (pod != nullptr && pod->record().is_child()) {
    if (plan != nullptr) {
      not_created(key, to_string(plan->pod.location) + ": there is a pod of that name already, of " +
                           pod->record().workload->kind + " " + pod->record().workload->name);
    }
    return reconcile_child(*pod);
  }
  PodFacts facts;
  facts.desired = plan != nullptr;
  facts.exists = pod != nullptr;
  facts.terminating = pod != nullptr && pod->record().terminating;
  facts.undecided = pod != nullptr && plan == nullptr && manifests_.undecided(pod->record().source, key);
  // A gate of a pod that has begun already is one for the next pod.
  const bool gated_again =
      pod != nullptr && plan != nullptr && !plan->pod.spec.scheduling_gates.empty() && !pod->record().gated;
  facts.same_hash = pod != nullptr && plan != nullptr && !gated_again && is_same(pod->record(), wanted->second);
  facts.same_settings =
      facts.same_hash && pod->plan() != nullptr && pod->plan()->policy == plan->policy &&
      pod->plan()->volume_files == plan->volume_files && pod->plan()->containers == plan->containers &&
      pod->plan()->init_containers == plan->init_containers && pod->plan()->pod.metadata == plan->pod.metadata &&
      pod->plan()->pod.spec.priority == plan->pod.spec.priority &&
      pod->plan()->pod.spec.priority_class == plan->pod.spec.priority_class &&
      pod->plan()->pod.spec.scheduling_gates == plan->pod.spec.scheduling_gates &&
      same_probes(pod->plan()->pod.spec, plan->pod.spec) &&
      pod->record().resources == wanted->second.hashes->resources &&
      published_ports(pod->plan()->pod) == published_ports(plan->pod);
  switch (decide(facts)) {
    case Step::kNothing:
      break;
    case Step::kCreate:
      if (const auto made = create(plan, {.hash = wanted->second.hashes->identity, .stopped = stopped}); !made) {
        not_created(key, made.error().what);
        retry_.expires_after(kRetryCreate);
        retry_.async_wait(alive_.guard([this] { reconcile(); }));
        break;
      }
      create_failed_.erase(key);
      break;
    case Step::kUpdate:
      pod->set_plan(plan);
      protect_parent();
      pod->step();
      break;
    case Step::kReplace:
    case Step::kDelete:
      pod->terminate();
      break;
  }
}

void Reconciler::not_created(const std::string& key, const std::string& why) {
  if (!create_failed_.insert(key).second) return;
  services_.events.add(
      {.severity = Severity::kWarning, .reason = name_of(Reason::kCreateFailed), .pod = key, .message = why});
}

// A pod that goes keeps its ids until nothing of it is left.
Result<std::uint32_t> Reconciler::users_for_pod() const {
  std::set<std::uint32_t> used;
  for (const auto& [key, pod] : pods_) {
    if (pod->record().users) used.insert(*pod->record().users);
  }
  return free_user_range(used, ids_of_others());
}

Status Reconciler::create(const config::SharedPlan& plan, Pod::Origin origin) {
  const std::string key = config::full_name(plan->pod.metadata);
  if (!all_read_)
    return fail("pod " + key + ": it may be the one whose record could not be read; it is not made a second time");
  if (!plan->pod.spec.host_users) {
    METE_TRY(origin.users, users_for_pod());
  }
  METE_TRY(auto made, Pod::create(tools_, plan, std::move(origin), owner_of(key)));
  Pod* fresh = (pods_[key] = std::move(made)).get();
  const auto& record = fresh->record();
  const auto& workload = *record.workload;
  fresh->report(
      Severity::kNormal, name_of(Reason::kCreated), "",
      "Pod " + key + (record.is_child() ? " of " + workload.kind + " " + workload.name : " from " + record.source));
  protect_parent();
  fresh->step();
  return {};
}

ChildPlan Reconciler::child_plan(const PodRecord& record) const {
  auto planner = child_plans_.find(record.workload->kind);
  if (planner == child_plans_.end()) planner = child_plans_.find("");
  return planner == child_plans_.end() ? ChildPlan{.wanted = true, .plan = {}} : planner->second(record);
}

Status Reconciler::create_child(config::PodPlan plan, PodWorkload workload, bool stopped, std::string cgroup_parent) {
  const std::string key = config::full_name(plan.pod.metadata);
  if (ending_) return fail("pod " + key + ": the agent is ending all pods");
  if (pods_.contains(key) || wanted_.contains(key)) return fail("pod " + key + ": there is another one of that name");
  std::string hash = identity_hash(plan);
  return create(std::make_shared<const config::PodPlan>(std::move(plan)), {.hash = std::move(hash),
                                                                           .workload = std::move(workload),
                                                                           .stopped = stopped,
                                                                           .cgroup_parent = std::move(cgroup_parent)});
}

// A changed template makes other pods, and a changed ConfigMap none: the pod stays, and is told what can change in
// place.
void Reconciler::reconcile_child(Pod& pod) {
  auto child = child_plan(pod.record());
  if (!child.wanted) return pod.terminate();
  if (!child.plan || pod.record().terminating) return;
  if (pod.plan() != nullptr && *pod.plan() == *child.plan) return;
  pod.set_plan(std::make_shared<const config::PodPlan>(std::move(*child.plan)));
  protect_parent();
  pod.step();
}

Status Reconciler::update(Pod& pod, const std::string& container, const enforcers::ResourceUpdate& update, bool reset) {
  METE_CHECK(pod.update(container, update, reset));
  protect_parent();
  return {};
}

Pod::Owner Reconciler::owner_of(const std::string& key) {
  return {.gone = [this, key] { gone(key); },
          .changed = [this, key] { changed(key); },
          .find = [this](const std::string& other) -> const Pod* { return find(other); }};
}

void Reconciler::changed(const std::string& key) {
  for (const auto& callback : on_changed_) callback(key);
}

void Reconciler::gone(const std::string& key) {
  const auto at = pods_.find(key);
  const bool stopped = at != pods_.end() && at->second->record().stopped;
  pods_.erase(key);
  protect_parent();
  if (on_gone_) on_gone_();
  changed(key);
  // A replaced pod: the old version is gone, so the new one may be made now.
  services_.turns.add(alive_.guard([this, key, stopped] { reconcile_pod(key, stopped); }));
}

}  // namespace mete::agent
