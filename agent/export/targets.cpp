// SPDX-License-Identifier: Apache-2.0
#include "agent/export/targets.h"

#include <string>
#include <utility>

#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/status/waiting_reason.h"
#include "collectors/discovery/export_policy.h"

namespace mete::agent {
namespace {

using collectors::LabelBlock;
using collectors::Lifecycle;
using collectors::Target;

std::shared_ptr<const LabelBlock> shared(LabelBlock labels) {
  return std::make_shared<const LabelBlock>(std::move(labels));
}

const std::string& image_of(const Container& container) {
  const bool from_spec = container.attempt().image_name().empty() && container.spec() != nullptr;
  return from_spec ? container.spec()->image : container.attempt().image_name();
}

// As cAdvisor names containers: those of a kubelet, and those of docker by docker's name.
std::string name_of(const Pod& pod, const Container& container) {
  const auto& record = pod.record();
  if (record.workload->kind == kDockerWorkload) return record.workload->name;
  return "k8s_" + container.record().name + "_" + record.name + "_" + record.namespace_;
}

std::shared_ptr<const LabelBlock> container_labels(const Pod& pod, const Container& container,
                                                   const config::ExportPolicy& policy) {
  const auto& record = pod.record();
  LabelBlock labels{{"id", container.cgroup().path()},
                    {"name", name_of(pod, container)},
                    {"image", image_of(container)},
                    {"namespace", record.namespace_},
                    {"pod", record.name},
                    {"container", container.record().name}};
  if (pod.plan() != nullptr) {
    const auto& all = pod.plan()->pod.metadata.labels;
    collectors::add_container_labels(policy, {all.begin(), all.end()}, labels);
  }
  return shared(std::move(labels));
}

std::shared_ptr<const LabelBlock> pod_labels(const Pod& pod) {
  const auto& record = pod.record();
  return shared({{"id", pod.cgroup().path()},
                 {"name", ""},
                 {"image", ""},
                 {"namespace", record.namespace_},
                 {"pod", record.name},
                 {"container", ""}});
}

// The kubelet's cAdvisor names a pod's network by the container that only holds it. Dashboards choose by a name and an
// image: without them they would show no network at all. The image is that of the first container.
std::shared_ptr<const LabelBlock> network_labels(const Pod& pod) {
  const auto& record = pod.record();
  const auto& containers = pod.containers();
  const bool docker = record.workload->kind == kDockerWorkload;
  return shared({{"id", pod.cgroup().path()},
                 {"name", docker ? record.workload->name : "k8s_POD_" + record.name + "_" + record.namespace_},
                 {"image", containers.empty() ? "" : image_of(*containers.front())},
                 {"namespace", record.namespace_},
                 {"pod", record.name},
                 {"container", ""}});
}

// Without `id` and `image`, which change with the cgroup: the workload outlives it.
std::shared_ptr<const LabelBlock> workload_labels(const Pod& pod, const Container& container) {
  const auto& record = pod.record();
  return shared({{"namespace", record.namespace_}, {"pod", record.name}, {"container", container.record().name}});
}

std::shared_ptr<const collectors::Identity> identity_of(const Pod& pod, const Container* container) {
  collectors::Identity who;
  who.kind = container != nullptr ? collectors::CgroupKind::kContainer : collectors::CgroupKind::kPod;
  who.runtime = "mete";
  who.namespace_ = pod.record().namespace_;
  who.pod = pod.record().name;
  who.pod_uid = pod.record().uid;
  who.name = who.pod;
  if (container != nullptr) {
    who.container = container->record().name;
    who.name += "/" + who.container;
    who.image = image_of(*container);
  }
  return std::make_shared<const collectors::Identity>(std::move(who));
}

collectors::RunState state_of(ContainerState state) {
  switch (state) {
    case ContainerState::kWaiting:
      return collectors::RunState::kWaiting;
    case ContainerState::kStarting:
      return collectors::RunState::kStarting;
    case ContainerState::kRunning:
      return collectors::RunState::kRunning;
    case ContainerState::kExited:
      return collectors::RunState::kExited;
  }
  return collectors::RunState::kWaiting;
}

// As docker's health check: of a container with probes.
std::optional<int> health_of(const Container& container) {
  const auto* const spec = container.spec();
  const auto& record = container.record();
  const bool asked = spec != nullptr && (spec->startup || spec->liveness || spec->readiness);
  if (!asked || record.state != ContainerState::kRunning) return std::nullopt;
  if (!record.started) return -1;
  return record.ready && !record.end_within ? 1 : 0;
}

Lifecycle lifecycle_of(const ContainerRecord& record) {
  Lifecycle lifecycle;
  lifecycle.state = state_of(record.state);
  lifecycle.restarts = record.restarts;
  if (record.has_ended) lifecycle.exit_code = record.exit_code;
  const auto of_scope = [&](const char* scope) {
    const auto found = record.oom_kills_by_scope.find(scope);
    return found == record.oom_kills_by_scope.end() ? 0 : found->second;
  };
  lifecycle.oom_kills.nested = of_scope("nested");
  lifecycle.oom_kills.pod = of_scope("pod");
  lifecycle.oom_kills.ancestor = of_scope("ancestor");
  lifecycle.oom_kills.host = of_scope("host");
  const auto& kills = lifecycle.oom_kills;
  const std::uint64_t others = kills.nested + kills.pod + kills.ancestor + kills.host;
  lifecycle.oom_kills.container = record.oom_kills > others ? record.oom_kills - others : 0;
  return lifecycle;
}

Target target_of(const Pod& pod, const Container& container, bool single, const config::ExportPolicy& policy) {
  const auto& record = container.record();
  Target target;
  target.path = container.cgroup().path();
  target.cgroup_id = record.cgroup_id;
  target.who = identity_of(pod, &container);
  target.workload = workload_labels(pod, container);
  target.lifecycle = lifecycle_of(record);
  target.lifecycle->health = health_of(container);
  target.lifecycle->last_ooms = container.control().watch().oom_record().last();
  target.lifecycle->policy_kills = record.policy_kills;
  target.lifecycle->time_to_oom = container.enforcer().time_to_limit();
  target.oom_kills = record.oom_kills;
  // The container has never run, or has ended with its pod, which is being removed.
  if ((!record.has_ended && record.cgroup_id == 0) || container.control().counters().are_dropped()) return target;
  target.labels = container_labels(pod, container, policy);
  if (single) {
    target.pod_labels = pod_labels(pod);
    target.network_labels = network_labels(pod);
  }
  target.base = container.control().counters().base();
  target.writable = container.attempt().writable_layer();
  target.writable_base = container.attempt().base_of_layer();
  if (record.started_at != WallTime()) {
    target.started = std::chrono::time_point_cast<std::chrono::system_clock::duration>(record.started_at);
  }
  // What is frozen, or is no longer, has another freezer.state.
  target.limit_changes = 2 * container.control().limits().changes() + (container.enforcer().is_stopped() ? 1 : 0);
  target.settings_watched = container.control().watch().sees_writes();
  if (single && record.state == ContainerState::kRunning) target.network_pid = record.process.pid;
  return target;
}

// The target of a pod with several containers: its cgroup's counters, and the network that the containers share.
Target target_of(const Pod& pod, std::uint64_t cgroup_id) {
  Target target;
  target.path = pod.cgroup().path();
  target.cgroup_id = cgroup_id;
  target.who = identity_of(pod, nullptr);
  target.labels = pod_labels(pod);
  target.network_labels = network_labels(pod);
  target.network_pid = pod.sandbox_pid().value_or(0);
  target.oom_kills = 0;
  for (const auto& container : pod.containers()) *target.oom_kills += container->oom_kills();
  return target;
}

}  // namespace

std::vector<Target> targets_of(const Reconciler& reconciler) {
  std::vector<Target> targets;
  const auto& policy = reconciler.services().settings.config.exported;
  for (const auto& [key, pod] : reconciler.pods()) {
    const bool single = pod->containers().size() == 1;
    for (const auto& container : pod->containers()) targets.push_back(target_of(*pod, *container, single, policy));
    if (single) continue;
    if (const auto id = pod->cgroup().id()) targets.push_back(target_of(*pod, *id));
  }
  return targets;
}

std::shared_ptr<const collectors::Reading> counted_of(const Reconciler& reconciler) {
  auto reading = std::make_shared<collectors::Reading>();
  for (const auto& [key, pod] : reconciler.pods()) {
    for (const auto& container : pod->containers()) {
      auto& series = reading->series.emplace_back();
      series.workload = workload_labels(*pod, *container);
      series.lifecycle = lifecycle_of(container->record());
      series.lifecycle->policy_kills = container->record().policy_kills;
    }
  }
  return reading;
}

std::vector<nlohmann::ordered_json> kube_pod_names_of(const Reconciler& reconciler) {
  std::vector<nlohmann::ordered_json> pods;
  for (const auto& [key, pod] : reconciler.pods()) {
    const auto& record = pod->record();
    nlohmann::ordered_json metadata = {{"namespace", record.namespace_}, {"name", record.name}, {"uid", record.uid}};
    if (pod->plan() != nullptr) {
      metadata["labels"] = pod->plan()->pod.metadata.labels;
      metadata["annotations"] = pod->plan()->pod.metadata.annotations;
    }
    pods.push_back({{"kind", "Pod"}, {"metadata", std::move(metadata)}});
  }
  return pods;
}

std::vector<KubePod> kube_pods_of(const Reconciler& reconciler) {
  std::vector<KubePod> pods;
  for (const auto& [key, pod] : reconciler.pods()) {
    const auto& record = pod->record();
    KubePod& kube = pods.emplace_back();
    kube.namespace_ = record.namespace_;
    kube.name = record.name;
    kube.uid = record.uid;
    const PodStatus status = pod->status();
    kube.phase = status.phase;
    kube.ready = status.ready;
    kube.reason = status.reason;
    kube.owner_kind = record.workload->kind;
    kube.owner_name = record.workload->name;
    kube.created = std::chrono::time_point_cast<std::chrono::system_clock::duration>(record.created);
    for (const auto& container : pod->containers()) {
      const auto& of = container->record();
      KubeContainer& each = kube.containers.emplace_back();
      each.name = of.name;
      each.image = image_of(*container);
      if (container->spec() != nullptr) each.resources = container->spec()->resources;
      each.state = of.state;
      each.restarts = of.restarts;
      if (!record.is_unscheduled() && (of.state == ContainerState::kWaiting || of.state == ContainerState::kStarting))
        each.waiting_reason = waiting_reason(record, of);
      if (of.has_ended) each.last_terminated_reason = of.reason;
      each.init = of.init;
      each.ready = is_ready(of);
      for (std::size_t kind = 0; kind < kProbeKinds; ++kind)
        each.probes.at(kind) = container->attempt().probes().counts(static_cast<ProbeKind>(kind));
    }
  }
  return pods;
}

}  // namespace mete::agent
