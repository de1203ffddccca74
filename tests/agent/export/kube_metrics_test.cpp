// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace mete::agent {
namespace {

std::vector<KubePod> pods() {
  KubePod pod{
      "shop", "web", "u1", PodPhase::kRunning, std::chrono::system_clock::time_point(std::chrono::milliseconds(1'500)),
      {}};
  KubeContainer main{.name = "main",
                     .image = "app:1",
                     .state = ContainerState::kRunning,
                     .restarts = 2,
                     .last_terminated_reason = "OOMKilled"};
  main.resources.requests.cpu = MilliCpu(250);
  main.resources.limits.memory = Bytes(1024);
  main.ready = true;
  main.probes.at(static_cast<std::size_t>(ProbeKind::kLiveness))
      .add(ProbeResult::kSuccess, std::chrono::milliseconds(20));
  main.probes.at(static_cast<std::size_t>(ProbeKind::kLiveness)).add(ProbeResult::kFailure, {});
  pod.ready = true;
  KubeContainer init{.name = "setup", .image = "app:1", .init = true};
  pod.containers = {init, main};
  return {pod};
}

bool has(const std::string& text, const std::string& line);

TEST(KubeMetrics, DevicesHaveKubeStateMetricsNames) {
  auto with_device = pods();
  auto& resources = with_device[0].containers[1].resources;
  resources.limits.devices = std::map<std::string, std::int64_t>{{"example.com/dongle-2", 3}};
  resources.requests.devices = resources.limits.devices;
  std::string out;
  write_kube(out, with_device, {"box", 2, Bytes(4096), {{"example.com/dongle-2", 4}}}, collectors::Format::kText);
  const std::string pod = R"(namespace="shop",pod="web",uid="u1",container="main",node="box")";
  const std::string device = R"(resource="example_com_dongle_2",unit="integer"})";
  EXPECT_TRUE(has(out, "kube_pod_container_resource_limits{" + pod + "," + device + " 3"));
  EXPECT_TRUE(has(out, "kube_pod_container_resource_requests{" + pod + "," + device + " 3"));
  EXPECT_TRUE(has(out, "kube_node_status_capacity{node=\"box\"," + device + " 4"));
  EXPECT_TRUE(has(out, "kube_node_status_allocatable{node=\"box\"," + device + " 4"));
}

bool has(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}

TEST(KubeMetrics, WhatTheMixinJoinsWith) {
  std::string out;
  write_kube(out, pods(), {"box", 2, Bytes(4096)}, collectors::Format::kText);
  const std::string pod = R"(namespace="shop",pod="web",uid="u1")";
  EXPECT_TRUE(has(out, "kube_pod_info{" + pod + R"(,node="box",created_by_kind="Node",created_by_name="box"} 1)"));
  EXPECT_TRUE(has(out, "kube_pod_status_phase{" + pod + R"(,phase="Running"} 1)"));
  EXPECT_TRUE(has(out, "kube_pod_status_phase{" + pod + R"(,phase="Pending"} 0)"));
  EXPECT_TRUE(has(out, "kube_pod_container_resource_requests{" + pod +
                           R"(,container="main",node="box",resource="cpu",unit="core"} 0.25)"));
  EXPECT_TRUE(has(out, "kube_pod_container_resource_limits{" + pod +
                           R"(,container="main",node="box",resource="memory",unit="byte"} 1024)"));
  EXPECT_TRUE(has(out, "kube_pod_container_status_restarts_total{" + pod + R"(,container="main"} 2)"));
  EXPECT_TRUE(has(
      out, "kube_pod_container_status_last_terminated_reason{" + pod + R"(,container="main",reason="OOMKilled"} 1)"));
  EXPECT_TRUE(has(out, R"(kube_namespace_status_phase{namespace="shop",phase="Active"} 1)"));
  EXPECT_TRUE(has(out, R"(kube_node_status_allocatable{node="box",resource="memory",unit="byte"} 4096)"));
  EXPECT_TRUE(has(out, "kube_pod_container_status_ready{" + pod + R"(,container="main"} 1)"));
  EXPECT_TRUE(has(out, "kube_pod_status_ready{" + pod + R"(,condition="true"} 1)"));
  EXPECT_TRUE(has(out, "kube_pod_status_ready{" + pod + R"(,condition="false"} 0)"));
  EXPECT_EQ(out.find("kube_pod_status_reason{"), std::string::npos);
  EXPECT_TRUE(has(out, "kube_pod_created{" + pod + "} 1"));
  EXPECT_EQ(out.find("setup"), std::string::npos) << "init containers have families of their own in kube-state-metrics";
  EXPECT_EQ(out.find("resource=\"cpu\",unit=\"core\"} 0\n"), std::string::npos) << "what is not said is absent";
}

TEST(KubeMetrics, ProbesAsTheKubeletHasThem) {
  std::string out;
  write_kube(out, pods(), {"box", 2, Bytes(4096)}, collectors::Format::kText);
  const std::string of = R"(namespace="shop",pod="web",container="main",probe_type="Liveness")";
  const std::string total =
      R"(prober_probe_total{namespace="shop",pod="web",pod_uid="u1",container="main",probe_type="Liveness",result=)";
  EXPECT_TRUE(has(out, total + R"("successful"} 1)"));
  EXPECT_TRUE(has(out, total + R"("failed"} 1)"));
  EXPECT_TRUE(has(out, total + R"("unknown"} 0)"));
  EXPECT_TRUE(has(out, "prober_probe_duration_seconds_bucket{" + of + R"(,le="0.01"} 0)"));
  EXPECT_TRUE(has(out, "prober_probe_duration_seconds_bucket{" + of + R"(,le="0.025"} 1)"));
  EXPECT_TRUE(has(out, "prober_probe_duration_seconds_bucket{" + of + R"(,le="+Inf"} 1)"));
  EXPECT_TRUE(has(out, "prober_probe_duration_seconds_count{" + of + "} 1"));
  EXPECT_TRUE(has(out, "prober_probe_duration_seconds_sum{" + of + "} 0.02"));
  EXPECT_EQ(out.find("Readiness"), std::string::npos) << "only what was asked";
}

TEST(KubeMetrics, WhyAPodFailed) {
  auto failed = pods();
  failed[0].reason = "DeadlineExceeded";
  std::string out;
  write_kube(out, failed, {"box", 2, Bytes(4096)}, collectors::Format::kText);
  const std::string pod = R"(namespace="shop",pod="web",uid="u1")";
  EXPECT_TRUE(has(out, "kube_pod_status_reason{" + pod + R"(,reason="DeadlineExceeded"} 1)"));
  EXPECT_TRUE(has(out, "kube_pod_status_reason{" + pod + R"(,reason="Evicted"} 0)"));
}

TEST(KubeMetrics, APodOfAWorkloadNamesIt) {
  auto owned = pods();
  owned[0].owner_kind = "ReplicaSet";
  owned[0].owner_name = "web-5d9c7b6f4";
  std::string out;
  write_kube(out, owned, {"box", 2, Bytes(4096)}, collectors::Format::kText);
  const std::string pod = R"(namespace="shop",pod="web",uid="u1")";
  EXPECT_TRUE(has(out, "kube_pod_owner{" + pod +
                           R"(,owner_kind="ReplicaSet",owner_name="web-5d9c7b6f4",owner_is_controller="true"} 1)"));
  EXPECT_TRUE(has(
      out, "kube_pod_info{" + pod + R"(,node="box",created_by_kind="ReplicaSet",created_by_name="web-5d9c7b6f4"} 1)"));
}

TEST(KubeMetrics, EveryFamilyIsInTheTableOnce) {
  std::string out;
  write_kube(out, pods(), {"box", 2, Bytes(4096)}, collectors::Format::kText);
  std::set<std::string_view> names;
  for (const KubeFamily& family : kube_families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.help.empty());
  }
  for (std::size_t at = out.find("# TYPE "); at != std::string::npos; at = out.find("# TYPE ", at + 1)) {
    const std::string name = out.substr(at + 7, out.find(' ', at + 7) - at - 7);
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

}  // namespace
}  // namespace mete::agent
