// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_identity.h"

#include <algorithm>
#include <tuple>

#include "agent/base/digest.h"
#include "agent/pods/container/probe_json.h"
#include "agent/pods/record/resource_json.h"
#include "enforcers/qos.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

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
                {"securityContext", security_json(*container.security)},
                {"stdin", container.stdin_open},
                {"tty", container.tty}};
  // Said only of sidecars: what is named by a hash made before there were any stays what it is.
  if (container.sidecar) {
    value["restartPolicy"] = "Always";
  } else if (container.restart) {
    value["restartPolicy"] = static_cast<int>(*container.restart);
  }
  if (container.stdin_once) value["stdinOnce"] = true;
  if (const auto& most = container.resources.limits.ephemeral_storage) value["ephemeralStorage"] = most->count();
  if (!container.resources.limits.devices->empty()) value["devices"] = *container.resources.limits.devices;
  if (container.pre_stop) value["preStop"] = to_json(*container.pre_stop);
  if (container.post_start) value["postStart"] = to_json(*container.post_start);
  return value;
}

// What the containers and volumes of a plan come to: by the values that ConfigMaps and Secrets have now, or by name.
struct Contents {
  const std::vector<config::ContainerPlan>& init_containers;
  const std::vector<config::ContainerPlan>& containers;
  const std::vector<config::VolumeFiles>& volume_files;
};

json volume_json(const config::Volume& volume, const Contents& contents) {
  json value = {{"name", volume.name}};
  if (const auto* host = std::get_if<config::HostPathVolume>(&volume.source)) {
    value["hostPath"] = {{"path", host->path}, {"type", static_cast<int>(host->type)}};
  } else if (const auto* empty = std::get_if<config::EmptyDirVolume>(&volume.source)) {
    value["emptyDir"] = {{"medium", empty->memory ? "Memory" : ""}};
    if (empty->size_limit) value["emptyDir"]["sizeLimit"] = std::to_string(empty->size_limit->count());
    if (!empty->huge_pages.empty()) value["emptyDir"]["hugePages"] = empty->huge_pages;
    if (empty->mode) value["emptyDir"]["mode"] = *empty->mode;
  }
  if (const auto* claim = std::get_if<config::ClaimVolume>(&volume.source)) {
    value["claim"] = {{"name", claim->claim}, {"readOnly", claim->read_only}};
  }
  if (const auto* image = std::get_if<config::ImageVolume>(&volume.source)) value["image"] = image->reference;
  if (std::holds_alternative<config::EphemeralVolume>(volume.source)) value["ephemeral"] = true;
  for (const auto& files : contents.volume_files) {
    if (files.volume != volume.name) continue;
    for (const auto& file : files.files) {
      value["files"].push_back({{"path", file.path}, {"mode", file.mode}, {"content", digest(file.content)}});
    }
  }
  return value;
}

bool is_of_bandwidth(const std::string& annotation) {
  return annotation == config::kIngressBandwidth || annotation == config::kEgressBandwidth ||
         annotation == config::kBandwidthBurst;
}

// kActedOn: the annotations that make a pod what it is. kAll: with all others, and with its labels, as agents before
// had it.
enum class Words { kActedOn, kAll };

// Those by which mete makes a pod's network and its processes, and those that stand for fields of the spec.
bool is_acted_on(const std::string& annotation) {
  return annotation.starts_with("mete/") || annotation.starts_with("docker.mete/") ||
         annotation.starts_with("container.apparmor.security.beta.kubernetes.io/");
}

json metadata_json(const config::ObjectMeta& metadata, Words words) {
  auto annotations = metadata.annotations;
  std::erase_if(annotations, [words](const auto& each) {
    return is_of_bandwidth(each.first) || (words == Words::kActedOn && !is_acted_on(each.first));
  });
  json value = {{"name", metadata.name}, {"namespace", metadata.namespace_}, {"annotations", std::move(annotations)}};
  if (words == Words::kAll) value["labels"] = metadata.labels;
  return value;
}

json identity_json(const config::PodPlan& plan, const Contents& contents, Words words) {
  const auto& pod = plan.pod;
  const auto& spec = pod.spec;
  json value = {{"metadata", metadata_json(pod.metadata, words)},
                {"restartPolicy", static_cast<int>(spec.restart_policy)},
                {"terminationGracePeriodSeconds", spec.termination_grace_period.count()},
                {"hostname", spec.hostname},
                {"hostNetwork", spec.host_network},
                {"hostPID", spec.host_pid},
                {"hostIPC", spec.host_ipc},
                {"shareProcessNamespace", spec.share_process_namespace}};
  if (spec.security->run_as_user) value["runAsUser"] = *spec.security->run_as_user;
  if (spec.security->run_as_group) value["runAsGroup"] = *spec.security->run_as_group;
  if (spec.security->fs_group) value["fsGroup"] = *spec.security->fs_group;
  value["supplementalGroups"] = spec.security->supplemental_groups;
  for (std::size_t i = 0; i < spec.init_containers.size(); ++i) {
    value["initContainers"].push_back(container_json(spec.init_containers[i], contents.init_containers[i]));
  }
  for (std::size_t i = 0; i < spec.containers.size(); ++i)
    value["containers"].push_back(container_json(spec.containers[i], contents.containers[i]));
  // Kubernetes fixes it at creation; here it decides oom_score_adj, which is given to a process at its start.
  value["qosClass"] = enforcers::to_string(enforcers::qos_of(spec));
  for (const auto& volume : spec.volumes) value["volumes"].push_back(volume_json(volume, contents));
  if (!spec.host_users) value["hostUsers"] = false;
  if (!plan.runtime.empty()) value["runtime"] = plan.runtime;
  // Fields that later versions act on, where the manifest has them.
  if (!pod.identity_text.empty()) value["more"] = digest(pod.identity_text);
  return value;
}

std::string hash_of(const config::PodPlan& plan, const Contents& contents, Words words) {
  return digest(identity_json(plan, contents, words).dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

namespace {

Contents by_value(const config::PodPlan& plan) {
  return {plan.init_containers, plan.containers, plan.volume_files};
}

Contents by_name(const config::PodPlan& plan) {
  if (!plan.by_name) return by_value(plan);
  return {plan.by_name->init_containers, plan.by_name->containers, plan.by_name->volume_files};
}

}  // namespace

std::string identity_hash(const config::PodPlan& plan) {
  if (!plan.lasting) return hash_of(plan, by_name(plan), Words::kActedOn);
  return hash_of(plan, {plan.lasting->init_containers, plan.lasting->containers, plan.lasting->volume_files},
                 Words::kActedOn);
}

bool was_identity(const config::PodPlan& plan, const std::string& hash) {
  return hash == hash_of(plan, by_name(plan), Words::kAll) || hash == hash_of(plan, by_value(plan), Words::kAll);
}

bool same_probes(const config::PodSpec& a, const config::PodSpec& b) {
  const auto same = [](const std::vector<config::Container>& one, const std::vector<config::Container>& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](const auto& x, const auto& y) {
      return x.startup == y.startup && x.liveness == y.liveness && x.readiness == y.readiness &&
             x.restart_for_cpu == y.restart_for_cpu && x.restart_for_memory == y.restart_for_memory;
    });
  };
  return same(a.init_containers, b.init_containers) && same(a.containers, b.containers);
}

std::string resources_hash(const config::PodPlan& plan) {
  json all = json::array();
  const auto add = [&](const config::Container& container) {
    all.push_back(
        {container.name, resource_json(container.resources.requests), resource_json(container.resources.limits)});
  };
  for (const auto& container : plan.pod.spec.init_containers) add(container);
  for (const auto& container : plan.pod.spec.containers) add(container);
  for (const auto& [key, value] : plan.pod.metadata.annotations) {
    if (is_of_bandwidth(key)) all.push_back({key, value});
  }
  if (plan.pod.spec.pids_limit) all.push_back({"pids", *plan.pod.spec.pids_limit});
  return digest(all.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::vector<PlanHashes> hashes_of(const std::vector<config::SharedPlan>& now,
                                  const std::vector<config::SharedPlan>& before, const std::vector<PlanHashes>& known) {
  const auto name = [](const config::SharedPlan& plan) {
    return std::tie(plan->pod.metadata.namespace_, plan->pod.metadata.name);
  };
  std::vector<PlanHashes> hashes;
  hashes.reserve(now.size());
  std::size_t at = 0;
  for (const auto& plan : now) {
    while (at < before.size() && name(before[at]) < name(plan)) ++at;
    const bool same = at < before.size() && at < known.size() && (before[at] == plan || *before[at] == *plan);
    hashes.push_back(same ? known[at] : PlanHashes{identity_hash(*plan), resources_hash(*plan)});
  }
  return hashes;
}

}  // namespace mete::agent
