// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_metrics.h"

#include <array>
#include <functional>
#include <set>

namespace mete::agent {
namespace {

using collectors::FamilyWriter;
using collectors::LabelBlock;
using collectors::MetricType;
using collectors::Value;

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;
constexpr std::uint64_t kOne = 1;

enum Index : std::uint8_t {
  kNamespacePhase,
  kNodeInfo,
  kNodeAllocatable,
  kNodeCapacity,
  kPodInfo,
  kPodCreated,
  kPodOwner,
  kPodPhase,
  kPodReady,
  kPodReason,
  kContainerInfo,
  kRequests,
  kLimits,
  kRestarts,
  kRunning,
  kReady,
  kWaiting,
  kWaitingReason,
  kTerminated,
  kLastReason,
  kProbes,
  kProbeDurations,
  kCount
};

constexpr std::array<KubeFamily, kCount> kFamilies = {{
    {"kube_namespace_status_phase", kGauge, "Namespaces that the manifests name.", "namespace,phase"},
    {"kube_node_info", kGauge, "This machine.", "node"},
    {"kube_node_status_allocatable", kGauge, "What containers may use of the machine.", "node,resource,unit"},
    {"kube_node_status_capacity", kGauge, "What the machine has.", "node,resource,unit"},
    {"kube_pod_info", kGauge, "Pods of this agent.", "namespace,pod,uid,node,created_by_kind,created_by_name"},
    {"kube_pod_created", kGauge, "When the pod was made, in seconds since 1970.", "namespace,pod,uid"},
    {"kube_pod_owner", kGauge, "Who made the pod: a workload, or the machine, as with a kubelet's static pods.",
     "namespace,pod,uid,owner_kind,owner_name,owner_is_controller"},
    {"kube_pod_status_phase", kGauge, "1 for the phase the pod is in, 0 for the others.", "namespace,pod,uid,phase"},
    {"kube_pod_status_ready", kGauge, "1 for whether the pod is ready, 0 for the other conditions.",
     "namespace,pod,uid,condition"},
    {"kube_pod_status_reason", kGauge, "1 for why the pod has failed as a whole, 0 for the other reasons.",
     "namespace,pod,uid,reason"},
    {"kube_pod_container_info", kGauge, "Containers and their images.", "namespace,pod,uid,container,image"},
    {"kube_pod_container_resource_requests", kGauge, "What the manifest requests.",
     "namespace,pod,uid,container,node,resource,unit"},
    {"kube_pod_container_resource_limits", kGauge, "What the manifest limits to.",
     "namespace,pod,uid,container,node,resource,unit"},
    {"kube_pod_container_status_restarts_total", kCounter, "Restarts of the container.", "namespace,pod,uid,container"},
    {"kube_pod_container_status_running", kGauge, "Whether it runs.", "namespace,pod,uid,container"},
    {"kube_pod_container_status_ready", kGauge,
     "Whether it runs, has started and its readiness probe, if there is one, says so.", "namespace,pod,uid,container"},
    {"kube_pod_container_status_waiting", kGauge, "Whether it waits to be started.", "namespace,pod,uid,container"},
    {"kube_pod_container_status_waiting_reason", kGauge, "Why it waits.", "namespace,pod,uid,container,reason"},
    {"kube_pod_container_status_terminated", kGauge, "Whether it has ended and stays so.",
     "namespace,pod,uid,container"},
    {"kube_pod_container_status_last_terminated_reason", kGauge, "Why it ended the last time.",
     "namespace,pod,uid,container,reason"},
    {kProbeTotal, kCounter, "Probes of a container, by their result.",
     "namespace,pod,pod_uid,container,probe_type,result"},
    {kProbeDuration, MetricType::kHistogram, "How long probes that succeeded took.",
     "namespace,pod,container,probe_type,le"},
}};

// Those of kube-state-metrics.
constexpr std::array<std::string_view, 3> kConditions = {"true", "false", "unknown"};
constexpr std::array<std::string_view, 3> kReasons = {"DeadlineExceeded", "Evicted", "UnexpectedAdmissionError"};
constexpr std::array<std::string_view, 5> kPhases = {"Pending", "Running", "Succeeded", "Failed", "Unknown"};

// Kubernetes has fewer phases than the agent.
std::string_view phase_name(PodPhase phase) {
  switch (phase) {
    case PodPhase::kPending:
      return "Pending";
    case PodPhase::kRunning:
    case PodPhase::kTerminating:
      return "Running";
    case PodPhase::kSucceeded:
    case PodPhase::kStopped:
      return "Succeeded";
    case PodPhase::kFailed:
      return "Failed";
  }
  return "Unknown";
}

// As kube-state-metrics writes the name of an extended resource (SanitizeLabelName): "vendor.com/class" ->
// "vendor_com_class".
std::string resource_name(std::string name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (char& c : name) {
    if (!is_plain(c)) c = '_';
  }
  return name;
}

class Writer {
 public:
  Writer(std::string& out, const std::vector<KubePod>& pods, const KubeNode& node, collectors::Format format)
      : out_(out), pods_(pods), node_(node), format_(format) {}

  void all() {
    namespaces();
    node(kNodeAllocatable);
    node(kNodeCapacity);
    pods();
    for (const Index index : {kContainerInfo, kRequests, kLimits, kRestarts, kRunning, kReady, kWaiting, kWaitingReason,
                              kTerminated, kLastReason}) {
      containers(index);
    }
    write_probers(out_, pods_, format_);
  }

 private:
  FamilyWriter family(Index index) {
    const KubeFamily& family = kFamilies.at(index);
    return {out_, family.name, family.help, family.type, format_};
  }

  void namespaces() {
    std::set<std::string_view> names = {"default"};
    for (const KubePod& pod : pods_) names.insert(pod.namespace_);
    auto phases = family(kNamespacePhase);
    for (const auto name : names) {
      phases.add(LabelBlock{{"namespace", name}, {"phase", "Active"}}, kOne);
      phases.add(LabelBlock{{"namespace", name}, {"phase", "Terminating"}}, std::uint64_t{0});
    }
    family(kNodeInfo).add(LabelBlock{{"node", node_.name}}, kOne);
  }

  void node(Index index) {
    auto writer = family(index);
    writer.add(LabelBlock{{"node", node_.name}, {"resource", "cpu"}, {"unit", "core"}}, node_.cores);
    writer.add(LabelBlock{{"node", node_.name}, {"resource", "memory"}, {"unit", "byte"}}, node_.memory);
    for (const auto& [kind, count] : node_.devices)
      writer.add(LabelBlock{{"node", node_.name}, {"resource", resource_name(kind)}, {"unit", "integer"}},
                 static_cast<std::uint64_t>(count));
  }

  static LabelBlock of(const KubePod& pod) {
    return {{"namespace", pod.namespace_}, {"pod", pod.name}, {"uid", pod.uid}};
  }
  static LabelBlock of(const KubePod& pod, const KubeContainer& container) {
    LabelBlock labels = of(pod);
    labels.add("container", container.name);
    return labels;
  }

  static void one_of(FamilyWriter& out, const KubePod& pod, std::string_view label,
                     std::span<const std::string_view> values, std::string_view which) {
    for (const auto value : values) {
      LabelBlock labels = of(pod);
      labels.add(label, value);
      out.add(labels, std::uint64_t{value == which ? 1U : 0U});
    }
  }

  void each_pod(Index index, const std::function<void(FamilyWriter&, const KubePod&)>& write) {
    auto writer = family(index);
    for (const KubePod& pod : pods_) write(writer, pod);
  }

  // Without a workload the machine, as with a kubelet's static pods.
  static std::string_view owner_kind(const KubePod& pod) {
    return pod.owner_kind.empty() ? std::string_view("Node") : std::string_view(pod.owner_kind);
  }
  [[nodiscard]] std::string_view owner_name(const KubePod& pod) const {
    return pod.owner_kind.empty() ? std::string_view(node_.name) : std::string_view(pod.owner_name);
  }

  void pods() {
    each_pod(kPodInfo, [&](FamilyWriter& out, const KubePod& pod) {
      LabelBlock labels = of(pod);
      labels.add("node", node_.name);
      labels.add("created_by_kind", owner_kind(pod));
      labels.add("created_by_name", owner_name(pod));
      out.add(labels, kOne);
    });
    each_pod(kPodCreated, [&](FamilyWriter& out, const KubePod& pod) {
      out.add(of(pod),
              std::chrono::nanoseconds(std::chrono::floor<std::chrono::seconds>(pod.created.time_since_epoch())));
    });
    each_pod(kPodOwner, [&](FamilyWriter& out, const KubePod& pod) {
      LabelBlock labels = of(pod);
      labels.add("owner_kind", owner_kind(pod));
      labels.add("owner_name", owner_name(pod));
      labels.add("owner_is_controller", "true");
      out.add(labels, kOne);
    });
    each_pod(kPodPhase,
             [&](FamilyWriter& out, const KubePod& pod) { one_of(out, pod, "phase", kPhases, phase_name(pod.phase)); });
    each_pod(kPodReady, [&](FamilyWriter& out, const KubePod& pod) {
      one_of(out, pod, "condition", kConditions, pod.ready ? "true" : "false");
    });
    each_pod(kPodReason, [&](FamilyWriter& out, const KubePod& pod) {
      if (!pod.reason.empty()) one_of(out, pod, "reason", kReasons, pod.reason);
    });
  }

  void containers(Index index) {
    auto writer = family(index);
    for (const KubePod& pod : pods_) {
      for (const KubeContainer& container : pod.containers) {
        if (!container.init) write_container(writer, index, of(pod, container), container);
      }
    }
  }

  void write_container(FamilyWriter& out, Index index, LabelBlock labels, const KubeContainer& container) {
    const auto flag = [&](bool value) { out.add(labels, std::uint64_t{value ? 1U : 0U}); };
    const auto reason = [&](const std::string& text) {
      if (text.empty()) return;
      labels.add("reason", text);
      out.add(labels, kOne);
    };
    switch (index) {
      case kContainerInfo:
        labels.add("image", container.image);
        return out.add(labels, kOne);
      case kRequests:
        return resources(out, labels, container.resources.requests);
      case kLimits:
        return resources(out, labels, container.resources.limits);
      case kRestarts:
        return out.add(labels, container.restarts);
      case kRunning:
        return flag(container.state == ContainerState::kRunning);
      case kReady:
        return flag(container.ready);
      case kWaiting:
        return flag(container.state == ContainerState::kWaiting || container.state == ContainerState::kStarting);
      case kWaitingReason:
        return reason(container.waiting_reason);
      case kTerminated:
        return flag(container.state == ContainerState::kExited);
      case kLastReason:
        return reason(container.last_terminated_reason);
      default:
        return;
    }
  }

  void resources(FamilyWriter& out, const LabelBlock& labels, const config::ResourceList& list) {
    LabelBlock on_node = labels;
    on_node.add("node", node_.name);
    constexpr double kThousand = 1000;
    if (list.cpu) out.add(on_node, static_cast<double>(list.cpu->count()) / kThousand, R"(resource="cpu",unit="core")");
    out.add(on_node, list.memory, R"(resource="memory",unit="byte")");
    for (const auto& [kind, count] : *list.devices)
      out.add(on_node, static_cast<std::uint64_t>(count), "resource=\"" + resource_name(kind) + R"(",unit="integer")");
  }

  std::string& out_;
  const std::vector<KubePod>& pods_;
  const KubeNode& node_;
  collectors::Format format_;
};

}  // namespace

std::span<const KubeFamily> kube_families() {
  return kFamilies;
}

void write_kube(std::string& out, const std::vector<KubePod>& pods, const KubeNode& node, collectors::Format format) {
  Writer(out, pods, node, format).all();
}

}  // namespace mete::agent
