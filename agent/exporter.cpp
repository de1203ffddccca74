// SPDX-License-Identifier: Apache-2.0
#include "agent/exporter.h"

#include <array>
#include <deque>
#include <filesystem>
#include <vector>

#include "collectors/exposition.h"
#include "collectors/machine.h"
#include "collectors/metrics.h"

namespace mete::agent {
namespace {

using collectors::FamilyWriter;
using collectors::LabelBlock;
using collectors::MetricType;
using collectors::Series;

constexpr auto kShared = std::chrono::milliseconds(200);

LabelBlock container_labels(const Pod& pod, const Container& container) {
  const auto& record = pod.record();
  const std::string name = "k8s_" + container.record().name + "_" + record.name + "_" + record.namespace_;
  const std::string image = container.image_name().empty() && container.spec() != nullptr ? container.spec()->image : container.image_name();
  return {{"id", container.cgroup().path()}, {"name", name},        {"image", image},
          {"namespace", record.namespace_},  {"pod", record.name}, {"container", container.record().name}};
}

LabelBlock pod_labels(const Pod& pod) {
  const auto& record = pod.record();
  return {{"id", pod.cgroup().path()}, {"name", ""}, {"image", ""}, {"namespace", record.namespace_}, {"pod", record.name}, {"container", ""}};
}

// Without `id` and `image`: what outlives a cgroup is the workload's.
LabelBlock workload_labels(const Pod& pod, const Container& container) {
  const auto& record = pod.record();
  return {{"namespace", record.namespace_}, {"pod", record.name}, {"container", container.record().name}};
}

std::optional<std::chrono::system_clock::time_point> started(const ContainerRecord& record) {
  if (record.started_at == WallTime()) return std::nullopt;
  return std::chrono::time_point_cast<std::chrono::system_clock::duration>(record.started_at);
}

}  // namespace

const std::string& Exporter::metrics() {
  const auto begin = std::chrono::steady_clock::now();
  if (!text_.empty() && begin - read_at_ < kShared) return text_;
  text_.clear();
  read_at_ = begin;
  write_containers(text_);
  write_lifecycle(text_);
  if (const auto machine = collectors::read_machine()) collectors::write_machine(text_, *machine);
  write_agent(text_);
  services_.instruments.scrape(std::chrono::steady_clock::now() - begin);
  text_ += services_.instruments.serialize();
  return text_;
}

void Exporter::write_containers(std::string& out) {
  std::deque<LabelBlock> labels;             // stable addresses
  std::vector<Series> series;
  for (const auto& [key, pod] : reconciler_.pods()) {
    const bool single = pod->containers().size() == 1;
    for (const auto& container : pod->containers()) {
      if (!container->record().has_ended && container->record().cgroup_id == 0) continue;  // never ran
      const auto& sample = container->read();
      const auto& block = labels.emplace_back(container_labels(*pod, *container));
      series.push_back({.labels = block, .sample = sample, .started = started(container->record()), .with_network = false});
      // The pod's cgroup holds nothing else: the same numbers, and the pod's network.
      if (single) series.push_back({.labels = labels.emplace_back(pod_labels(*pod)), .sample = sample, .with_settings = false});
    }
    if (single) continue;
    if (const auto* sample = pod->read()) {
      series.push_back({.labels = labels.emplace_back(pod_labels(*pod)), .sample = *sample, .with_settings = false});
    }
  }
  collectors::write_families(out, series);
}

void Exporter::write_lifecycle(std::string& out) {
  struct Row {
    const Pod* pod;
    Container* container;
    LabelBlock labels;
  };
  std::vector<Row> rows;
  for (const auto& [key, pod] : reconciler_.pods()) {
    for (const auto& container : pod->containers()) rows.push_back({pod.get(), container.get(), workload_labels(*pod, *container)});
  }
  FamilyWriter kills(out, "mete_oom_kills_total",
                     "Processes the kernel killed for want of memory (memory.oom_control oom_kill; memory.events), by whose limit; over all "
                     "restarts of the container and of the agent.",
                     MetricType::kCounter);
  for (const auto& row : rows) {
    std::uint64_t others = 0;
    for (const auto& [scope, count] : row.container->record().oom_kills_by_scope) {
      kills.add(row.labels, count, "scope=\"" + scope + "\",by=\"kernel\"");
      others += count;
    }
    const std::uint64_t all = row.container->oom_kills();
    kills.add(row.labels, all > others ? all - others : 0, R"(scope="container",by="kernel")");
  }
  FamilyWriter restarts(out, "mete_container_restarts_total", "Starts of the container that followed an end.", MetricType::kCounter);
  for (const auto& row : rows) restarts.add(row.labels, std::uint64_t{row.container->record().restarts});
  FamilyWriter codes(out, "mete_container_last_exit_code", "Exit code of the last attempt that ended; 128 + signal for a killed one.", MetricType::kGauge);
  for (const auto& row : rows) {
    if (row.container->record().has_ended) codes.add(row.labels, static_cast<std::uint64_t>(row.container->record().exit_code));
  }
  FamilyWriter states(out, "mete_container_state", "1 for the state the container is in, 0 for the others.", MetricType::kGauge);
  for (const auto& row : rows) {
    for (const auto state : {ContainerState::kWaiting, ContainerState::kStarting, ContainerState::kRunning, ContainerState::kExited}) {
      states.add(row.labels, std::uint64_t{row.container->record().state == state ? 1U : 0U}, std::string("state=\"") + to_string(state) + "\"");
    }
  }
}

void Exporter::write_agent(std::string& out) {
  FamilyWriter seconds(out, "mete_collection_seconds_total", "Time spent reading and parsing, by collector.", MetricType::kCounter);
  for (const auto& cost : services_.collection.cost()) seconds.add(LabelBlock{{"collector", cost.collector}}, cost.time);
  FamilyWriter errors(out, "mete_collection_errors_total", "Reads that failed or were not understood, by collector.", MetricType::kCounter);
  for (const auto& cost : services_.collection.cost()) errors.add(LabelBlock{{"collector", cost.collector}}, cost.errors);
  std::array<std::uint64_t, 4> by_state{};
  for (const auto& [key, pod] : reconciler_.pods()) {
    for (const auto& container : pod->containers()) ++by_state.at(static_cast<std::size_t>(container->record().state));
  }
  FamilyWriter containers(out, "mete_agent_containers", "Containers of this agent, by state.", MetricType::kGauge);
  for (std::size_t i = 0; i < by_state.size(); ++i) {
    containers.add(LabelBlock{{"state", to_string(static_cast<ContainerState>(i))}}, by_state.at(i));
  }
  std::error_code ignored;
  const auto fds = static_cast<std::uint64_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd", ignored), {}));
  FamilyWriter(out, "mete_agent_open_fds", "File descriptors the agent has open.", MetricType::kGauge).add(fds);
}

}  // namespace mete::agent
