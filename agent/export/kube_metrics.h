// SPDX-License-Identifier: Apache-2.0
// The kube_* families of kube-state-metrics, made from the manifests and their running pods, so that kubernetes-mixin's
// dashboards and rules work on one machine without a cluster. Opt-in: `export: {kube: true}` in agent.yaml.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/pods/status/pod_logic.h"
#include "agent/probes/prober.h"
#include "collectors/exposition/exposition.h"
#include "config/model/pod_spec.h"

namespace mete::agent {

struct KubeContainer {
  std::string name, image;
  config::Resources resources;
  ContainerState state = ContainerState::kWaiting;
  std::uint64_t restarts = 0;
  std::string waiting_reason;          // empty unless it waits for a reason
  std::string last_terminated_reason;  // "OOMKilled", "Error", "Completed"; empty: none ended yet
  bool init = false;
  bool ready = false;
  std::array<ProbeCounts, kProbeKinds> probes;  // by ProbeKind
};

struct KubePod {
  std::string namespace_, name, uid;
  PodPhase phase = PodPhase::kPending;
  std::chrono::system_clock::time_point created;
  std::vector<KubeContainer> containers;
  bool ready = false;
  std::string reason;           // why it failed as a whole; empty: it did not
  std::string owner_kind = {};  // of a pod that a workload has made; empty: the machine's
  std::string owner_name = {};
};

struct KubeNode {
  std::string name;
  std::optional<std::uint64_t> cores;
  std::optional<Bytes> memory;
  std::map<std::string, std::int64_t> devices = {};  // that pods can be given, by kind
};

struct KubeFamily {
  std::string_view name;
  collectors::MetricType type;
  std::string_view help;
  std::string_view labels;
};
[[nodiscard]] std::span<const KubeFamily> kube_families();

// The kubelet's prober_probe_*, with the rest of write_kube(). Init containers that end are never probed.
void write_probers(std::string& out, const std::vector<KubePod>& pods, collectors::Format format);
inline constexpr std::string_view kProbeTotal = "prober_probe_total";
inline constexpr std::string_view kProbeDuration = "prober_probe_duration_seconds";

// Pure. Appends all families to `out`.
void write_kube(std::string& out, const std::vector<KubePod>& pods, const KubeNode& node, collectors::Format format);

}  // namespace mete::agent
