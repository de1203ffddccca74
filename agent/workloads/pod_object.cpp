// SPDX-License-Identifier: Apache-2.0
// A pod in the shape of Kubernetes' API.
#include <algorithm>

#include "agent/networks/networks.h"
#include "agent/pods/status/waiting_reason.h"
#include "agent/workloads/pod_view.h"
#include "agent/workloads/workload_json.h"
#include "agent/workloads/workload_text.h"
#include "enforcers/qos.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

ordered_json terminated_json(const ContainerRecord& record) {
  ordered_json value = {{"exitCode", record.exit_code}, {"reason", record.reason}};
  if (record.exit_signal != 0) value["signal"] = record.exit_signal;
  if (!record.last_message.empty()) value["message"] = record.last_message;
  if (record.started_at != WallTime()) value["startedAt"] = rfc3339(record.started_at);
  value["finishedAt"] = rfc3339(record.finished_at);
  return value;
}

ordered_json container_status(const PodRecord& pod, const Container& container) {
  const auto& record = container.record();
  const bool running = record.state == ContainerState::kRunning;
  ordered_json value = {{"name", record.name}};
  if (container.spec() != nullptr) value["image"] = container.spec()->image;
  value["ready"] = is_ready(record);
  value["restartCount"] = record.restarts;
  value["started"] = running && record.started;
  ordered_json& state = value["state"];
  if (running) {
    state["running"] = {{"startedAt", rfc3339(record.started_at)}};
  } else if (record.state == ContainerState::kExited && record.has_ended) {
    state["terminated"] = terminated_json(record);
  } else {
    state["waiting"] = {{"reason", waiting_reason(pod, record)}};
    if (!record.message.empty()) state["waiting"]["message"] = record.message;
  }
  if (record.has_ended && record.state != ContainerState::kExited)
    value["lastState"]["terminated"] = terminated_json(record);
  return value;
}

const char* api_phase(PodPhase phase) {
  switch (phase) {
    case PodPhase::kRunning:
    case PodPhase::kTerminating:
    case PodPhase::kStopped:
      return "Running";
    case PodPhase::kSucceeded:
      return "Succeeded";
    case PodPhase::kFailed:
      return "Failed";
    case PodPhase::kPending:
      break;
  }
  return "Pending";
}

ordered_json pod_conditions(const Pod& pod) {
  ordered_json list = ordered_json::array();
  for (const auto& each : conditions_of(pod.record(), pod.restart_policy())) list.push_back(condition_json(each));
  return list;
}

ordered_json ip_list(const std::vector<std::string>& addresses) {
  ordered_json list = ordered_json::array();
  for (const auto& each : addresses) list.push_back({{"ip", each}});
  return list;
}

// As the kubelet tells them: a pod with the machine's network has the machine's addresses.
void add_addresses(const Pod& pod, const std::vector<std::string>& machine, ordered_json& status) {
  if (!machine.empty()) {
    status["hostIP"] = machine.front();
    status["hostIPs"] = ip_list(machine);
  }
  const bool shares = pod.plan() != nullptr && pod.plan()->pod.spec.host_network;
  const auto addresses = shares ? machine : pod.networks().addresses(pod.record().uid);
  if (addresses.empty()) return;
  status["podIP"] = addresses.front();
  status["podIPs"] = ip_list(addresses);
}

// What is known of the spec without its text.
ordered_json spec_of(const Pod& pod) {
  ordered_json spec = ordered_json::object();
  for (const auto& container : pod.containers()) {
    const auto& record = container->record();
    ordered_json value = {{"name", record.name}};
    if (container->spec() != nullptr) value["image"] = container->spec()->image;
    if (record.sidecar) value["restartPolicy"] = "Always";
    spec[record.init ? "initContainers" : "containers"].push_back(std::move(value));
  }
  return spec;
}

}  // namespace

ordered_json pod_object_json(const Pod& pod, const std::string& spec, const config::MachineFacts& machine) {
  const auto& record = pod.record();
  const Child child = child_of(pod);
  ordered_json value = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  ordered_json& metadata = value["metadata"];
  metadata = {{"name", record.name}, {"namespace", record.namespace_}, {"uid", record.uid}};
  metadata["creationTimestamp"] = rfc3339(record.created);
  if (pod.plan() != nullptr) {
    const auto& own = pod.plan()->pod.metadata;
    if (!own.labels.empty()) metadata["labels"] = own.labels;
    if (!own.annotations.empty()) metadata["annotations"] = own.annotations;
  }
  // As the API server sets it: when the grace is over.
  if (record.terminating) {
    metadata["deletionGracePeriodSeconds"] = record.grace.count();
    metadata["deletionTimestamp"] = rfc3339(record.deleted + record.grace);
  }
  if (record.is_child()) {
    const auto kind = config::workload_kind(record.workload->kind).value_or(config::WorkloadKind::kReplicaSet);
    metadata["ownerReferences"] = {{{"apiVersion", config::api_version(kind)},
                                    {"kind", record.workload->kind},
                                    {"name", record.workload->name},
                                    {"uid", record.workload->uid},
                                    {"controller", true},
                                    {"blockOwnerDeletion", true}}};
  }
  const ordered_json given = ordered_json::parse(spec, nullptr, false);
  value["spec"] = given.is_object() ? given : spec_of(pod);
  value["spec"]["nodeName"] = machine.node_name;
  ordered_json& status = value["status"];
  status["phase"] = api_phase(child.phase);
  const PodStatus own = pod.status();
  if (!own.reason.empty()) status["reason"] = own.reason;
  if (!own.message.empty()) status["message"] = own.message;
  status["conditions"] = pod_conditions(pod);
  if (pod.plan() != nullptr) status["qosClass"] = enforcers::to_string(enforcers::qos_of(pod.plan()->pod.spec));
  add_addresses(pod, machine.addresses, status);
  if (record.is_unscheduled()) return value;  // no kubelet would have seen it
  status["startTime"] = rfc3339(std::max(record.created, record.scheduled));
  for (const auto& container : pod.containers()) {
    const char* list = container->record().init ? "initContainerStatuses" : "containerStatuses";
    status[list].push_back(container_status(record, *container));
  }
  return value;
}

}  // namespace mete::agent
