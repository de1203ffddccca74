// SPDX-License-Identifier: Apache-2.0
#include "agent/exporter.h"

#include <array>
#include <filesystem>
#include <vector>

#include "collectors/machine.h"
#include "collectors/exposition_stream.h"

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

collectors::Lifecycle lifecycle_of(Container& container) {
  const auto& record = container.record();
  collectors::Lifecycle lifecycle;
  lifecycle.state = static_cast<collectors::RunState>(record.state);
  lifecycle.restarts = record.restarts;
  if (record.has_ended) lifecycle.exit_code = record.exit_code;
  const auto of_scope = [&](const char* scope) {
    const auto found = record.oom_kills_by_scope.find(scope);
    return found == record.oom_kills_by_scope.end() ? 0 : found->second;
  };
  collectors::OomCounts& kills = lifecycle.oom_kills;
  kills.pod = of_scope("pod");
  kills.ancestor = of_scope("ancestor");
  kills.host = of_scope("host");
  const std::uint64_t all = container.oom_kills();
  const std::uint64_t others = kills.pod + kills.ancestor + kills.host;
  kills.container = all > others ? all - others : 0;
  return lifecycle;
}

}  // namespace

const std::string& Exporter::metrics() {
  const auto begin = std::chrono::steady_clock::now();
  if (!text_.empty() && begin - read_at_ < kShared) return text_;
  text_.clear();
  read_at_ = begin;
  const auto reading = read();
  text_ = collectors::render(reading);
  collectors::write_machine(text_, reading->machine);
  write_agent(text_);
  services_.instruments.scrape(std::chrono::steady_clock::now() - begin);
  text_ += services_.instruments.serialize();
  return text_;
}

std::shared_ptr<const collectors::Reading> Exporter::read() {
  auto reading = std::make_shared<collectors::Reading>();
  for (const auto& [key, pod] : reconciler_.pods()) {
    const bool single = pod->containers().size() == 1;
    for (const auto& container : pod->containers()) add_container(*reading, *pod, *container, single);
    if (single) continue;
    if (const auto* sample = pod->read()) {
      reading->samples.push_back(*sample);
      Series series;
      series.labels = std::make_shared<const LabelBlock>(pod_labels(*pod));
      series.sample = &reading->samples.back();
      series.with_settings = false;
      reading->series.push_back(std::move(series));
    }
  }
  if (const auto machine = collectors::read_machine()) reading->machine = *machine;
  return reading;
}

void Exporter::add_container(collectors::Reading& reading, Pod& pod, Container& container, bool single) {
  const auto& record = container.record();
  Series series;
  series.workload = std::make_shared<const LabelBlock>(workload_labels(pod, container));
  series.lifecycle = lifecycle_of(container);
  const bool ran = record.has_ended || record.cgroup_id != 0;
  if (ran) {
    reading.samples.push_back(container.read());
    series.labels = std::make_shared<const LabelBlock>(container_labels(pod, container));
    series.sample = &reading.samples.back();
    series.started = started(record);
    series.with_network = false;
  }
  reading.series.push_back(series);
  if (!ran || !single) return;
  // The pod's cgroup holds nothing else: the same numbers, and the pod's network.
  Series of_pod;
  of_pod.labels = std::make_shared<const LabelBlock>(pod_labels(pod));
  of_pod.sample = series.sample;
  of_pod.with_settings = false;
  reading.series.push_back(std::move(of_pod));
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
