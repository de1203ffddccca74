// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/pod_json.h"

#include "agent/base/digest.h"
#include "agent/pods/pre_stop_json.h"
#include "enforcers/qos.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

json resource_json(const config::ResourceList& list) {
  json value = json::object();
  if (list.cpu) value["cpu"] = std::to_string(list.cpu->count()) + "m";
  if (list.memory) value["memory"] = std::to_string(list.memory->count());
  for (const auto& [size, bytes] : list.huge_pages) value["hugepages-" + size] = std::to_string(bytes.count());
  return value;
}

json security_json(const config::SecurityContext& security) {
  json value = {{"readOnlyRootFilesystem", security.read_only_root_filesystem},
                {"privileged", security.privileged},
                {"capabilities", {{"add", security.add_capabilities}, {"drop", security.drop_capabilities}}}};
  if (security.run_as_user) value["runAsUser"] = *security.run_as_user;
  if (security.run_as_group) value["runAsGroup"] = *security.run_as_group;
  if (security.allow_privilege_escalation) value["allowPrivilegeEscalation"] = *security.allow_privilege_escalation;
  return value;
}

json container_json(const config::Container& container, const config::ContainerPlan& resolved) {
  json env = json::array();
  for (const auto& each : resolved.env) env.push_back({{"name", each.name}, {"value", digest(each.value)}});
  json mounts = json::array();
  for (const auto& each : container.volume_mounts) {
    mounts.push_back({{"name", each.name},
                      {"mountPath", each.mount_path},
                      {"subPath", each.sub_path},
                      {"readOnly", each.read_only}});
  }
  json value = {{"name", container.name},
                {"image", container.image},
                {"command", resolved.command},
                {"args", resolved.args},
                {"workingDir", container.working_dir},
                {"env", std::move(env)},
                {"volumeMounts", std::move(mounts)},
                {"securityContext", security_json(container.security)},
                {"stdin", container.stdin_open},
                {"tty", container.tty}};
  // Said only of sidecars: what is named by a hash made before there were any stays what it is.
  if (container.sidecar) value["restartPolicy"] = "Always";
  if (container.pre_stop) value["preStop"] = to_json(*container.pre_stop);
  return value;
}

json volume_json(const config::Volume& volume, const config::PodPlan& plan) {
  json value = {{"name", volume.name}};
  if (const auto* host = std::get_if<config::HostPathVolume>(&volume.source)) {
    value["hostPath"] = {{"path", host->path}, {"type", static_cast<int>(host->type)}};
  } else if (const auto* empty = std::get_if<config::EmptyDirVolume>(&volume.source)) {
    value["emptyDir"] = {{"medium", empty->memory ? "Memory" : ""}};
    if (empty->size_limit) value["emptyDir"]["sizeLimit"] = std::to_string(empty->size_limit->count());
  }
  for (const auto& files : plan.volume_files) {
    if (files.volume != volume.name) continue;
    for (const auto& file : files.files) {
      value["files"].push_back({{"path", file.path}, {"mode", file.mode}, {"content", digest(file.content)}});
    }
  }
  return value;
}

std::string time_text(WallTime at) {
  return at == WallTime() ? "" : runtime::shim::format_time(at.time_since_epoch()).data();
}

template <class T>
void set(ordered_json& value, const char* key, const std::optional<T>& number) {
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

// What `ps` shows: a container that waits for its next start is in CrashLoopBackOff, as kubectl says.
std::string shown_reason(const ContainerRecord& record) {
  if (record.state == ContainerState::kRunning) return "";
  if (record.state == ContainerState::kWaiting && !record.waiting_reason.empty()) return record.waiting_reason;
  const bool backing_off =
      record.state == ContainerState::kWaiting && record.has_ended && record.next_start > record.finished_at;
  return backing_off ? "CrashLoopBackOff" : record.reason;
}

ordered_json container_status_json(Pod& pod, Container& container) {
  const auto& record = container.record();
  ordered_json value = {{"name", record.name}, {"init", record.init}, {"sidecar", record.sidecar}};
  if (container.spec() != nullptr) value["image"] = container.spec()->image;
  value["state"] = to_string(record.state);
  value["reason"] = shown_reason(record);
  if (!record.message.empty()) value["message"] = record.message;
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
    value["last"] = {{"reason", record.reason},
                     {"exitCode", record.exit_code},
                     {"signal", record.exit_signal},
                     {"finishedAt", time_text(record.finished_at)}};
  }
  if (record.resources)
    value["resources"] = {{"requests", resource_json(record.resources->requests)},
                          {"limits", resource_json(record.resources->limits)}};
  if (!record.update.empty()) value["updated"] = true;  // by `mete update`, over the manifest's
  value["limits"] = limits_json(container.limits());
  value["usage"] = usage_json(container.read());
  value["cgroup"] = container.cgroup().path();
  value["procsFiles"] = container.cgroup().procs_files();
  value["log"] = container.log_path();
  value["layers"] = record.layers;
  value["directory"] = pod.directory() + "/containers/" + record.name + "/" + std::to_string(record.attempt);
  return value;
}

json plan_json(const config::PodPlan& plan) {
  const auto& pod = plan.pod;
  const auto& spec = pod.spec;
  json value = {{"metadata",
                 {{"name", pod.metadata.name},
                  {"namespace", pod.metadata.namespace_},
                  {"labels", pod.metadata.labels},
                  {"annotations", pod.metadata.annotations}}},
                {"restartPolicy", static_cast<int>(spec.restart_policy)},
                {"terminationGracePeriodSeconds", spec.termination_grace_period.count()},
                {"hostname", spec.hostname},
                {"hostNetwork", spec.host_network},
                {"hostPID", spec.host_pid},
                {"hostIPC", spec.host_ipc},
                {"shareProcessNamespace", spec.share_process_namespace}};
  if (spec.security.run_as_user) value["runAsUser"] = *spec.security.run_as_user;
  if (spec.security.run_as_group) value["runAsGroup"] = *spec.security.run_as_group;
  if (spec.security.fs_group) value["fsGroup"] = *spec.security.fs_group;
  value["supplementalGroups"] = spec.security.supplemental_groups;
  for (std::size_t i = 0; i < spec.init_containers.size(); ++i) {
    value["initContainers"].push_back(container_json(spec.init_containers[i], plan.init_containers[i]));
  }
  for (std::size_t i = 0; i < spec.containers.size(); ++i)
    value["containers"].push_back(container_json(spec.containers[i], plan.containers[i]));
  // Kubernetes fixes it at creation; here it decides oom_score_adj, which is given to a process at its start.
  value["qosClass"] = enforcers::to_string(enforcers::qos_of(spec));
  for (const auto& volume : spec.volumes) value["volumes"].push_back(volume_json(volume, plan));
  return value;
}

}  // namespace

std::string hash_of(const config::PodPlan& plan) {
  return digest(plan_json(plan).dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string resources_hash_of(const config::PodPlan& plan) {
  json all = json::array();
  const auto add = [&](const config::Container& container) {
    all.push_back(
        {container.name, resource_json(container.resources.requests), resource_json(container.resources.limits)});
  };
  for (const auto& container : plan.pod.spec.init_containers) add(container);
  for (const auto& container : plan.pod.spec.containers) add(container);
  return digest(all.dump(-1, ' ', false, json::error_handler_t::replace));
}

ordered_json pod_status_json(Pod& pod) {
  const auto& record = pod.record();
  ordered_json value = {{"namespace", record.namespace_},
                        {"name", record.name},
                        {"uid", record.uid},
                        {"phase", to_string(pod.phase())},
                        {"createdAt", time_text(record.created)},
                        {"source", record.source}};
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
  value["cgroup"] = pod.cgroup().path();
  value["containers"] = ordered_json::array();
  for (const auto& container : pod.containers()) value["containers"].push_back(container_status_json(pod, *container));
  return value;
}

}  // namespace mete::agent
