// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_json.h"

#include "agent/networks/networks.h"
#include "agent/pods/record/resource_json.h"
#include "agent/pods/status/waiting_reason.h"
#include "enforcers/qos.h"
#include "runtime/json.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

std::string time_text(WallTime at) {
  return at == WallTime() ? "" : runtime::shim::format_time(at.time_since_epoch()).data();
}

template <class T>
void set(ordered_json& value, const char* key, const collectors::Known<T>& number) {
  if (!number) return;
  if constexpr (std::is_same_v<T, Bytes>) {
    value[key] = number->count();
  } else if constexpr (std::is_same_v<T, std::chrono::nanoseconds>) {
    value[key] = std::chrono::duration<double>(*number).count();
  } else {
    value[key] = *number;
  }
}

ordered_json usage_json(const collectors::Sample& sample) {
  ordered_json usage = ordered_json::object();
  set(usage, "cpuSeconds", sample.cpu.usage);
  set(usage, "periods", sample.cpu.periods);
  set(usage, "throttledPeriods", sample.cpu.throttled_periods);
  set(usage, "throttledSeconds", sample.cpu.throttled);
  set(usage, "memoryBytes", sample.memory.usage);
  set(usage, "memoryWorkingSetBytes", sample.memory.working_set());
  set(usage, "memoryMaxBytes", sample.memory.max_usage);
  set(usage, "pids", sample.pids.current);
  return usage;
}

ordered_json limits_json(const runtime::cgroup::Limits& limits) {
  ordered_json value = ordered_json::object();
  if (limits.cpu_shares) value["cpuShares"] = *limits.cpu_shares;
  if (limits.cpu_bandwidth && !limits.cpu_bandwidth->quota.is_unlimited()) {
    value["cpuQuotaMicroseconds"] = limits.cpu_bandwidth->quota.value().count();
    value["cpuPeriodMicroseconds"] = limits.cpu_bandwidth->period.count();
  }
  if (limits.cpu_burst) value["cpuBurstMicroseconds"] = limits.cpu_burst->count();
  if (limits.memory && !limits.memory->is_unlimited()) value["memoryBytes"] = limits.memory->value().count();
  if (limits.pids && !limits.pids->is_unlimited()) value["pids"] = limits.pids->value();
  return value;
}

ordered_json container_status_json(Pod& pod, Container& container) {
  const auto& record = container.record();
  ordered_json value = {{"name", record.name}, {"init", record.init}, {"sidecar", record.sidecar}};
  if (container.spec() != nullptr) value["image"] = container.spec()->image;
  value["state"] = to_string(record.state);
  value["ready"] = is_ready(record);
  value["started"] = record.state == ContainerState::kRunning && record.started;
  const auto& hold = *pod.record().hold;
  value["reason"] = shown_reason(record);
  if (pod.record().gated) {
    value["reason"] = "SchedulingGated";
  } else if (record.state == ContainerState::kWaiting && !hold.reason.empty()) {
    value["reason"] = pod.record().is_unscheduled() ? kUnschedulable : kBlocked;
  }
  const std::string& message = record.message.empty() ? hold.message : record.message;
  if (!message.empty()) value["message"] = message;
  if (!record.devices.empty()) value["devices"] = record.devices;
  if (record.state == ContainerState::kRunning) {
    value["pid"] = record.process.pid;
    value["pidStartTime"] =
        record.process.start_time;  // field 22 of /proc/PID/stat: tells it from a later process of that number
  }
  value["startedAt"] = time_text(record.started_at);
  if (record.state == ContainerState::kWaiting && record.next_start != WallTime())
    value["nextStartAt"] = time_text(record.next_start);
  value["restarts"] = record.restarts;
  value["oomKills"] = container.oom_kills();
  if (record.has_ended) {
    const bool again = record.state == ContainerState::kRunning || record.state == ContainerState::kStarting;
    const WallTime began = again ? record.last_started_at : record.started_at;
    value["last"] = {{"reason", record.reason},
                     {"exitCode", record.exit_code},
                     {"signal", record.exit_signal},
                     {"startedAt", time_text(began)},
                     {"finishedAt", time_text(record.finished_at)}};
    if (!record.last_message.empty()) value["last"]["message"] = record.last_message;
  }
  if (record.resources)
    value["resources"] = {{"requests", resource_json(record.resources->requests)},
                          {"limits", resource_json(record.resources->limits)}};
  if (!record.update.empty()) value["updated"] = true;  // by `mete update`, over the manifest's
  value["limits"] = limits_json(container.limits());
  value["usage"] = usage_json(container.read());
  value["cgroup"] = container.cgroup().path();
  value["procsFiles"] = container.cgroup().procs_files();
  value["log"] = container.keeps_log() ? container.log_path() : "";
  value["layers"] = record.layers;
  value["directory"] = pod.paths().attempt(record.name, record.attempt);
  return value;
}

ordered_json conditions_json(const Pod& pod) {
  ordered_json list = ordered_json::array();
  for (const auto& each : conditions_of(pod.record(), pod.restart_policy())) {
    ordered_json value = {
        {"type", each.type}, {"status", each.holds ? "True" : "False"}, {"lastTransitionTime", time_text(each.since)}};
    if (!each.reason.empty()) value["reason"] = each.reason;
    if (!each.message.empty()) value["message"] = each.message;
    list.push_back(std::move(value));
  }
  return list;
}

}  // namespace

ordered_json pod_status_json(Pod& pod) {
  const auto& record = pod.record();
  const PodStatus status = pod.status();
  ordered_json value = {
      {"namespace", record.namespace_},   {"name", record.name},   {"uid", record.uid},
      {"phase", to_string(status.phase)}, {"ready", status.ready}, {"createdAt", time_text(record.created)},
      {"source", record.source}};
  if (!status.reason.empty()) {
    value["reason"] = status.reason;
    value["message"] = status.message;
  }
  if (!record.workload->kind.empty())
    value["workload"] = {
        {"kind", record.workload->kind}, {"name", record.workload->name}, {"uid", record.workload->uid}};
  value["conditions"] = conditions_json(pod);
  if (pod.plan() != nullptr) {
    const auto& plan = *pod.plan();
    value["qosClass"] = enforcers::to_string(enforcers::qos_of(plan.pod.spec));
    value["labels"] = plan.pod.metadata.labels;
    if (plan.policy) value["policy"] = plan.policy->metadata.name;
    value["hostNetwork"] = plan.pod.spec.host_network;
  }
  if (const auto resizing = pod.resizing())
    value["resize"] = {{"state", resizing->refused ? "refused" : "in progress"}, {"message", resizing->why}};
  if (!pod.resize_error().empty()) value["resizeError"] = pod.resize_error();
  if (const auto sandbox = pod.sandbox_pid()) value["sandboxPid"] = *sandbox;
  if (const auto* const endpoint = pod.networks().endpoint(record.uid)) {
    value["network"] = {{"name", endpoint->network},
                        {"device", endpoint->device},
                        {"mac", runtime::network::mac_text(endpoint->mac)},
                        {"ports", ordered_json::array()}};
    if (!endpoint->answer.empty()) value["network"]["cni"] = ordered_json::parse(endpoint->answer, nullptr, false);
    for (const auto& port : endpoint->ports)
      value["network"]["ports"].push_back({{"host", to_string(port)}, {"containerPort", port.container_port}});
    const auto& bandwidth = endpoint->bandwidth;
    if (bandwidth != runtime::network::Bandwidth{})
      value["network"]["bandwidth"] = {
          {"ingress", bandwidth.ingress}, {"egress", bandwidth.egress}, {"burst", bandwidth.burst}};
    value["furtherNetworks"] = ordered_json::array();
    for (const auto& each : pod.networks().further(record.uid)) {
      value["furtherNetworks"].push_back(
          {{"name", each.network}, {"address", to_string(each.address)}, {"device", each.inside}});
      if (!each.answer.empty())
        value["furtherNetworks"].back()["cni"] = ordered_json::parse(each.answer, nullptr, false);
    }
    if (const auto addresses = pod.networks().addresses(record.uid); !addresses.empty()) {
      value["podIP"] = addresses.front();
      value["podIPs"] = addresses;
    }
  }
  value["cgroup"] = pod.cgroup().path();
  value["containers"] = ordered_json::array();
  for (const auto& container : pod.containers()) value["containers"].push_back(container_status_json(pod, *container));
  return value;
}

}  // namespace mete::agent
