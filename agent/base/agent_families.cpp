// SPDX-License-Identifier: Apache-2.0
#include "agent/base/agent_families.h"

#include <algorithm>
#include <array>
#include <exception>

namespace mete::agent {
namespace {

using collectors::MetricType;

constexpr auto kFamilies = std::to_array<OwnFamily>({
    {"mete_collection_seconds_total", MetricType::kCounter, "collector",
     "Time spent reading and parsing, by collector."},
    {"mete_collection_files_total", MetricType::kCounter, "collector", "Files read, by collector."},
    {"mete_collection_errors_total", MetricType::kCounter, "collector",
     "Reads that failed or were not understood, by collector."},
    {"mete_agent_build_info", MetricType::kGauge, "version", "Always 1; the version is in the label."},
    {"mete_agent_kernel_feature", MetricType::kGauge, "feature",
     "What this kernel offers, found by trying at the start: 1, or 0."},
    {"mete_agent_psi_window_seconds", MetricType::kGauge, "",
     "The shortest window of a PSI trigger that the kernel takes from the agent."},
    {"mete_agent_containers", MetricType::kGauge, "state", "Containers of this agent, by state."},
    {"mete_agent_open_fds", MetricType::kGauge, "", "File descriptors the agent has open."},
    {"mete_agent_http_requests_total", MetricType::kCounter, "handler,code", "HTTP requests answered."},
    {"mete_agent_http_refused_total", MetricType::kCounter, "reason",
     "Connections and requests turned away or cut: limit, auth, rate, slow, tls."},
    {"mete_agent_loop_lag_seconds", MetricType::kHistogram, "le", "How late the event loop ran a timer."},
    {"mete_agent_scrape_seconds", MetricType::kHistogram, "le", "Time to read all counters and write one exposition."},
    {"mete_agent_launch_seconds", MetricType::kHistogram, "le",
     "From the decision to start a container to the first instruction of its command."},
    {"mete_storage_pool_used_bytes", MetricType::kGauge, "kind",
     "What is used of the thin pool of the storage driver devicemapper, by kind: data, metadata."},
    {"mete_storage_pool_size_bytes", MetricType::kGauge, "kind", "The size of that pool."},
    {"mete_storage_pool_writable", MetricType::kGauge, "", "1 while that pool takes writes, else 0."},
    {"mete_agent_probe_lateness_seconds", MetricType::kHistogram, "le", "How long after its time a probe began."},
    {"mete_enforcement_actions_total", MetricType::kCounter, "enforcer,action,outcome",
     "Actions of the enforcers, by outcome: done, failed, dry-run, guarded."},
    {"mete_enforcement_reaction_seconds", MetricType::kHistogram, "enforcer,le",
     "From the kernel's event to the end of the action."},
    {"mete_limit_drift_total", MetricType::kCounter, "file",
     "Control files of managed cgroups that another program had changed."},
    {"mete_network_pods", MetricType::kGauge, "network", "Pods that are in the network."},
    {"mete_network_addresses", MetricType::kGauge, "network", "IPv4 addresses of the network that pods have."},
    {"mete_network_addresses_limit", MetricType::kGauge, "network",
     "IPv4 addresses that the network has for pods: with none left a pod waits."},
    {"mete_network_published_ports", MetricType::kGauge, "network", "Ports of the machine that lead into the network."},
    {"mete_network_dns_questions_total", MetricType::kCounter, "outcome",
     "Questions of pods for names, by outcome: own, forwarded, failed, refused."},
    {"mete_network_bandwidth_limit_bytes", MetricType::kGauge, "namespace,pod,direction",
     "Bytes that a pod may receive (ingress) or send (egress) in a second."},
    {"mete_network_bandwidth_delayed_packets_total", MetricType::kCounter, "namespace,pod,direction",
     "Times that a packet had to wait for the pod's limit of bandwidth, as counted at most 10 s ago."},
    {"mete_network_bandwidth_dropped_packets_total", MetricType::kCounter, "namespace,pod,direction",
     "Packets that were dropped since the queue before that limit was full."},
    {"mete_network_drift_total", MetricType::kCounter, "",
     "Times that rules or bridges of the networks were found changed by others, and put back."},
    {"mete_network_overlay_connected", MetricType::kGauge, "",
     "1 while etcd answers, where agent.yaml names one for networks over several machines."},
    {"mete_network_overlay_encrypted", MetricType::kGauge, "network",
     "1 where what the network sends to other machines is encrypted, 0 where it is not."},
    {"mete_network_overlay_unreached_machines", MetricType::kGauge, "network",
     "Machines with pods in the encrypted network that have no key, so nothing is sent to them."},
    {"mete_network_overlay_remote_addresses", MetricType::kGauge, "network", "Pods of other machines in the network."},
    {"mete_network_connections", MetricType::kGauge, "", "Connections that the kernel tracks."},
    {"mete_network_connections_limit", MetricType::kGauge, "",
     "Connections that the kernel tracks at most: beyond it new ones are dropped."},
    {"mete_alerts", MetricType::kGauge, "state",
     "Alerts that the agent itself evaluates, by state: pending, firing. Absent without --alerts."},
    {"mete_alerts_sent_total", MetricType::kCounter, "receiver", "Alerts that a receiver took."},
    {"mete_alerts_failed_total", MetricType::kCounter, "receiver", "Messages that a receiver did not take."},
    {"mete_alerts_dropped_total", MetricType::kCounter, "receiver",
     "Alerts that were not sent because too many were waiting."},
    {"mete_alerts_stored_series", MetricType::kGauge, "", "Series whose last minutes are kept for alerts."},
    {"mete_alerts_stored_bytes", MetricType::kGauge, "", "Memory that they take, about."},
    {"mete_alerts_evaluation_seconds_total", MetricType::kCounter, "",
     "CPU time for evaluating alerts: storing the samples and computing the expressions."},
    {"mete_alerts_evaluation_failures_total", MetricType::kCounter, "", "Expressions that could not be evaluated."},
    {"process_cpu_seconds_total", MetricType::kCounter, "", "CPU time that the agent's process has used."},
    {"process_resident_memory_bytes", MetricType::kGauge, "", "Memory of the agent's process that is resident."},
    {"process_virtual_memory_bytes", MetricType::kGauge, "", "Address space of the agent's process."},
    {"process_open_fds", MetricType::kGauge, "", "File descriptors that the agent's process has open."},
    {"process_max_fds", MetricType::kGauge, "", "How many file descriptors it may have open."},
    {"process_start_time_seconds", MetricType::kGauge, "", "When the agent's process was started, since 1970."},
    {"cadvisor_version_info", MetricType::kGauge,
     "kernelVersion,osVersion,dockerVersion,cadvisorVersion,cadvisorRevision",
     "Always 1; kernel, operating system and version of mete are in the labels. On /metrics/cadvisor only."},
});

}  // namespace

std::span<const OwnFamily> own_families() {
  return kFamilies;
}

const OwnFamily& own_family(std::string_view name) {
  const auto* const found =
      std::find_if(kFamilies.begin(), kFamilies.end(), [name](const OwnFamily& family) { return family.name == name; });
  if (found == kFamilies.end()) std::terminate();
  return *found;
}

collectors::FamilyWriter own_writer(std::string& out, std::string_view name, collectors::Format format) {
  const OwnFamily& family = own_family(name);
  return {out, family.name, family.help, family.type, format};
}

void write_version(std::string& out, const collectors::Machine& machine, collectors::Format format) {
  if (!machine.parts) return;
  collectors::LabelBlock labels;
  labels.add("kernelVersion", machine.parts->kernel_version);
  labels.add("osVersion", machine.parts->os_version);
  labels.add("dockerVersion", "");
  labels.add("cadvisorVersion", "mete " METE_VERSION);
  labels.add("cadvisorRevision", "");
  own_writer(out, "cadvisor_version_info", format).add(labels, std::uint64_t{1});
}

}  // namespace mete::agent
