// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "enforcers/asked_limits.h"
#include "enforcers/io_cost.h"
#include "enforcers/limit_origin.h"
#include "enforcers/oom.h"
#include "enforcers/qos.h"
#include "enforcers/restart.h"

namespace mete::enforcers {
namespace {

using namespace literals;
using runtime::cgroup::Hierarchies;
using runtime::cgroup::Limit;

Hierarchies v1() {
  Hierarchies machine;
  for (const char* controller : {"cpu", "memory", "pids"})
    machine.v1[controller] = std::string("/sys/fs/cgroup/") + controller;
  return machine;
}

Hierarchies v2() {
  Hierarchies machine;
  machine.mode = runtime::cgroup::Mode::kV2;
  machine.v2_mount = "/sys/fs/cgroup";
  machine.v2_controllers = {"cpu", "memory", "pids"};
  return machine;
}

config::Container container(std::optional<MilliCpu> cpu_request, std::optional<MilliCpu> cpu_limit,
                            std::optional<Bytes> memory_request, std::optional<Bytes> memory_limit) {
  config::Container made;
  made.name = "c";
  made.resources.requests = {cpu_request, memory_request, {}};
  made.resources.limits = {cpu_limit, memory_limit, {}};
  return made;
}

config::PodSpec pod(std::vector<config::Container> containers) {
  config::PodSpec spec;
  spec.containers = std::move(containers);
  return spec;
}

TEST(Limits, SharesAreKubernetesOwn) {
  EXPECT_EQ(cpu_shares(std::nullopt), 2U);
  EXPECT_EQ(cpu_shares(1_mCPU), 2U);
  EXPECT_EQ(cpu_shares(100_mCPU), 102U);
  EXPECT_EQ(cpu_shares(1000_mCPU), 1024U);
  EXPECT_EQ(cpu_shares(1000000_mCPU), 262144U);
}

TEST(Limits, TheQuotaIsTheLimitsShareOfThePeriod) {
  EXPECT_TRUE(cpu_bandwidth(std::nullopt).quota.is_unlimited());
  EXPECT_EQ(cpu_bandwidth(100_mCPU).quota.value().count(), 10'000);
  EXPECT_EQ(cpu_bandwidth(2500_mCPU).quota.value().count(), 250'000);
  EXPECT_EQ(cpu_bandwidth(1_mCPU).quota.value().count(), 1'000) << "the kernel takes no less than 1 ms";
}

TEST(Limits, MemoryRequestsProtectByTheMeansOfTheVersion) {
  const auto asked = container({}, {}, 64_MiB, 128_MiB);
  const auto on_v1 = container_limits(asked, nullptr, v1());
  EXPECT_EQ(on_v1.memory, Limit<Bytes>(128_MiB));
  EXPECT_EQ(on_v1.memory_soft, Limit<Bytes>(64_MiB));
  EXPECT_FALSE(on_v1.memory_min);
  EXPECT_EQ(on_v1.swap, Limit<Bytes>(0_B));
  const auto on_v2 = container_limits(asked, nullptr, v2());
  EXPECT_EQ(on_v2.memory_min, Limit<Bytes>(64_MiB));
  EXPECT_FALSE(on_v2.memory_soft);
  EXPECT_EQ(on_v2.oom_group, true);
}

TEST(Limits, WhatTheMachineLacksIsLeftOut) {
  const auto limits = container_limits(container(100_mCPU, 100_mCPU, 64_MiB, 64_MiB), nullptr, Hierarchies());
  EXPECT_FALSE(limits.memory);
  EXPECT_FALSE(limits.cpu_shares);
}

TEST(Limits, ThePolicyAddsBurstAndPidsUnlessItIsADryRun) {
  config::Policy policy;
  policy.cpu.burst = std::chrono::milliseconds(50);
  policy.pids.max = 256;
  const auto asked = container({}, 100_mCPU, {}, {});
  const auto limits = container_limits(asked, &policy, v1());
  EXPECT_EQ(limits.cpu_burst->count(), 10'000) << "no more than the quota";
  EXPECT_EQ(limits.pids, Limit<std::uint64_t>(256U));
  policy.dry_run = true;
  EXPECT_FALSE(container_limits(asked, &policy, v1()).cpu_burst);
  EXPECT_FALSE(container_limits(asked, &policy, v1()).pids);
}

TEST(Limits, ThePolicyMayGiveSwap) {
  config::Policy policy;
  policy.memory.swap = 16_MiB;
  EXPECT_EQ(container_limits(container({}, {}, {}, 64_MiB), &policy, v2()).swap, Limit<Bytes>(16_MiB));
  EXPECT_FALSE(container_limits(container({}, {}, {}, {}), &policy, v2()).swap)
      << "without a memory limit there is nothing to go beyond";
}

TEST(Limits, NetClassAndLatencyWhereTheMachineHasThem) {
  config::Policy policy;
  policy.net_cls.class_id = 0x100001;
  policy.io.devices = {{.path = "/a", .latency = std::chrono::milliseconds(10)},
                       {.path = "/b", .latency = std::chrono::milliseconds(5)}};
  auto machine = v1();
  EXPECT_FALSE(container_limits({}, &policy, machine).net_class);
  EXPECT_EQ(not_to_be_had(policy, machine).size(), 1U);
  machine.v1["net_cls"] = "/net_cls";
  EXPECT_EQ(container_limits({}, &policy, machine).net_class, 0x100001U);
  EXPECT_TRUE(not_to_be_had(policy, machine).empty());
  runtime::cgroup::Limits limits;
  IoFacts facts{.disks = {{"/a", "8:0"}, {"/b", "8:0"}}};
  add_io(policy.io, facts, limits);
  EXPECT_FALSE(limits.io->at("8:0").latency);
  facts.has_latency = true;
  add_io(policy.io, facts, limits);
  EXPECT_EQ(limits.io->at("8:0").latency, std::chrono::milliseconds(5)) << "two paths on one disk: the tighter holds";
  limits.net_class = 7;
  const auto after = changed_limits(limits, {});
  EXPECT_EQ(after.io->at("8:0").latency, std::chrono::microseconds(0));
  EXPECT_EQ(after.net_class, 0U);
}

TEST(IoCost, AsTheRootCgroupIsTold) {
  config::IoCost cost{.path = "/"};
  using Writes = std::vector<runtime::cgroup::ControlWrite>;
  EXPECT_EQ(io_cost_writes(cost, "8:0"), (Writes{{"io", "io.cost.qos", "8:0 enable=1 ctrl=auto"}}));
  cost.read = config::IoCostLatency{Ratio(950'000), std::chrono::milliseconds(10)};
  cost.min = Ratio(500'000);
  cost.model = {{"rbps", 1000}, {"wbps", 5}};
  EXPECT_EQ(io_cost_writes(cost, "8:0"),
            (Writes{{"io", "io.cost.model", "8:0 ctrl=user model=linear rbps=1000 wbps=5"},
                    {"io", "io.cost.qos", "8:0 enable=1 ctrl=user rpct=95.00 rlat=10000 min=50.00"}}));
}

TEST(DeviceRules, ThoseThatTheMachineHasDeniesLast) {
  config::DevicePolicy policy{.allow = {{"/dev/a", "r"}, {"/dev/none"}}, .deny = {{"/dev/b"}}};
  const std::map<std::string, runtime::process::DeviceSpec> devices = {
      {"/dev/a", {"/dev/a", S_IFCHR | 0600, makedev(10, 229)}}, {"/dev/b", {"/dev/b", S_IFBLK | 0600, makedev(7, 1)}}};
  EXPECT_EQ(device_rules(policy, devices),
            (std::vector<runtime::cgroup::DeviceRule>{{true, 'c', 10, 229, "r"}, {false, 'b', 7, 1, "rwm"}}));
}

TEST(Limits, WhatAPolicyNoLongerAsksForIsTakenBack) {
  runtime::cgroup::Limits before;
  before.cpu_burst = std::chrono::microseconds(5);
  before.pids = Limit<std::uint64_t>(7U);
  const auto after = changed_limits(before, {});
  EXPECT_EQ(after.cpu_burst, std::chrono::microseconds(0));
  EXPECT_EQ(after.pids, Limit<std::uint64_t>());
  EXPECT_FALSE(changed_limits({}, {}).pids) << "what nobody asked for is left alone";
}

TEST(Limits, APodIsTheSumOfItsContainersAndItsLargestInitContainer) {
  auto spec = pod({container(100_mCPU, 200_mCPU, {}, 64_MiB), container(100_mCPU, 200_mCPU, {}, 64_MiB)});
  spec.init_containers = {container(500_mCPU, 1000_mCPU, {}, 32_MiB)};
  const auto limits = pod_limits(spec, v1());
  EXPECT_EQ(limits.cpu_shares, 512U);
  EXPECT_EQ(limits.cpu_bandwidth->quota.value().count(), 100'000);
  EXPECT_EQ(limits.memory, Limit<Bytes>(128_MiB));
  spec.containers.push_back(container({}, {}, {}, {}));
  EXPECT_TRUE(pod_limits(spec, v1()).memory->is_unlimited()) << "one without a limit makes the sum unlimited";
  EXPECT_FALSE(pod_limits(pod({container({}, 200_mCPU, {}, 64_MiB)}), v1()).memory)
      << "a single one's own limit is enough";
}

TEST(PodLimits, SidecarsCountForAsLongAsTheyRun) {
  auto spec = pod({container(100_mCPU, 200_mCPU, 10_MiB, 64_MiB)});
  auto early = container(200_mCPU, 300_mCPU, 20_MiB, 16_MiB);
  auto late = container(50_mCPU, 100_mCPU, 5_MiB, 8_MiB);
  early.sidecar = late.sidecar = true;
  // 300 + 200 + 100 together; the init container beside the first sidecar needs more.
  spec.init_containers = {early, container(100_mCPU, 500_mCPU, {}, 128_MiB), late};
  const auto limits = pod_limits(spec, v2());
  EXPECT_EQ(limits.cpu_bandwidth->quota.value().count(), 80'000);
  EXPECT_EQ(limits.memory, Limit<Bytes>(144_MiB));
  EXPECT_EQ(limits.cpu_shares, cpu_shares(350_mCPU));
  EXPECT_EQ(limits.memory_min, Limit<Bytes>(35_MiB));
}

TEST(PodLimits, MemoryIsProtectedInThePodTooOnV2) {
  const auto single = pod({container({}, {}, 64_MiB, 128_MiB)});
  EXPECT_EQ(pod_limits(single, v2()).memory_min, Limit<Bytes>(64_MiB))
      << "a container's own counts only as far as its pod's";
  EXPECT_FALSE(pod_limits(single, v2()).memory);
  EXPECT_FALSE(pod_limits(single, v1()).memory_min);
  EXPECT_FALSE(pod_limits(pod({container({}, {}, {}, 128_MiB)}), v2()).memory_min);
}

TEST(PodLimits, ResourcesOfTheWholePodCountInPlaceOfTheSum) {
  auto spec = pod({container(100_mCPU, {}, {}, {})});
  spec.resources = config::Resources{{200_mCPU, 32_MiB, {}, {}}, {300_mCPU, 64_MiB, {}, {}}};
  const auto limits = pod_limits(spec, v1());
  EXPECT_EQ(limits.cpu_shares, cpu_shares(200_mCPU));
  EXPECT_EQ(limits.cpu_bandwidth->quota.value().count(), 30'000) << "also around a single container";
  EXPECT_EQ(limits.memory, Limit<Bytes>(64_MiB));
  EXPECT_EQ(limits.swap, Limit<Bytes>(Bytes(0)));
  EXPECT_EQ(pod_limits(spec, v2()).memory_min, Limit<Bytes>(32_MiB));
  EXPECT_EQ(qos_of(spec), QosClass::kBurstable);
  spec.resources->requests = spec.resources->limits;
  EXPECT_EQ(qos_of(spec), QosClass::kGuaranteed);
  // What the pod requests beyond its containers belongs to all of them: 4 of 8 GiB, and half of the other 4.
  spec = pod({container({}, {}, 2_GiB, {}), container({}, {}, 2_GiB, {})});
  spec.resources = config::Resources{{{}, 8_GiB, {}, {}}, {}};
  EXPECT_EQ(oom_score_adj(spec, spec.containers[0], 8_GiB), 500);
}

TEST(PodLimits, ProcessesAreBoundedBesideWhateverElseThereIs) {
  auto spec = pod({container(100_mCPU, 200_mCPU, {}, 64_MiB)});
  EXPECT_FALSE(pod_limits(spec, v1()).pids);
  spec.pids_limit = 20;
  for (const auto& machine : {v1(), v2()}) {
    const auto limits = pod_limits(spec, machine);
    EXPECT_EQ(limits.pids, Limit<std::uint64_t>(20U));
    EXPECT_FALSE(limits.memory) << "a single container's own limit is still enough";
  }
  EXPECT_EQ(qos_of(spec), QosClass::kBurstable);
  spec.resources = config::Resources{{}, {{}, 64_MiB, {}, {}}};
  EXPECT_EQ(pod_limits(spec, v2()).pids, Limit<std::uint64_t>(20U));
}

TEST(LimitOrigin, OfAPodsOwnCgroup) {
  auto spec = pod({container(100_mCPU, 200_mCPU, {}, 64_MiB)});
  EXPECT_EQ(pod_origin_of("memory.max", &spec, false), "the sum of its containers' memory limits");
  EXPECT_EQ(pod_origin_of("pids.max", &spec, false), "no spec.resources.limits.pids in the manifest any more");
  spec.pids_limit = 20;
  spec.resources = config::Resources{{}, {{}, 64_MiB, {}, {}}};
  EXPECT_EQ(pod_origin_of("pids.max", &spec, false), "spec.resources.limits.pids of the manifest");
  EXPECT_EQ(pod_origin_of("memory.limit_in_bytes", &spec, false), "spec.resources.limits.memory of the manifest");
  EXPECT_EQ(pod_origin_of("cpu.max", nullptr, true), "machine.bestEffort of agent.yaml: the machine is loaded");
}

TEST(Qos, ClassesAreKubernetesOwn) {
  EXPECT_EQ(qos_of(pod({container({}, {}, {}, {})})), QosClass::kBestEffort);
  EXPECT_EQ(qos_of(pod({container(1000_mCPU, 1000_mCPU, 1_GiB, 1_GiB)})), QosClass::kGuaranteed);
  EXPECT_EQ(qos_of(pod({container(500_mCPU, 1000_mCPU, 1_GiB, 1_GiB)})), QosClass::kBurstable);
  EXPECT_EQ(qos_of(pod({container(1000_mCPU, 1000_mCPU, 1_GiB, 1_GiB), container({}, {}, {}, {})})),
            QosClass::kBurstable);
}

TEST(Qos, OomScoreAdjIsTheKubelets) {
  const auto half = container({}, {}, 4_GiB, {});
  const auto of = [](const config::Container& each) { return oom_score_adj(pod({each}), each, 8_GiB); };
  EXPECT_EQ(of(half), 500);
  EXPECT_EQ(of(container({}, {}, 8_GiB, {})), 3);
  EXPECT_EQ(of(container({}, {}, 1_KiB, {})), 999);
  EXPECT_EQ(of(container({}, {}, {}, {})), 1000);
  EXPECT_EQ(of(container(1000_mCPU, 1000_mCPU, 1_GiB, 1_GiB)), -997);
}

TEST(Oom, AGroupInsideThatReachesItsOwnLimitIsLeftToWhoMadeIt) {
  EXPECT_FALSE(decide_oom({.new_kills = 0, .processes_left = true}, nullptr).kill_rest) << "a wake-up without a kill";
  EXPECT_FALSE(decide_oom({.new_kills = 1, .nested_kills = 1, .processes_left = true}, nullptr).kill_rest);
  EXPECT_TRUE(decide_oom({.new_kills = 2, .nested_kills = 1, .processes_left = true}, nullptr).kill_rest);
}

TEST(Oom, TakesTheContainerAlongUnlessThePolicySaysOtherwise) {
  const OomObservation seen{.new_kills = 1, .processes_left = true};
  EXPECT_TRUE(decide_oom(seen, nullptr).kill_rest);
  config::Policy policy;
  policy.memory.on_oom = config::OnOom::kKillProcess;
  EXPECT_FALSE(decide_oom(seen, &policy).kill_rest);
  policy.memory.on_oom = config::OnOom::kKillContainer;
  policy.dry_run = true;
  EXPECT_TRUE(decide_oom(seen, &policy).kill_rest) << "a dry run decides the same, and its executor does nothing";
}

TEST(Oom, WhereNoPolicySaysTheUsualActionCounts) {
  OomObservation seen{.new_kills = 1, .processes_left = true};
  seen.usual_action = OomAction::kKillProcess;
  config::Policy policy;
  EXPECT_FALSE(decide_oom(seen, nullptr).kill_rest);
  EXPECT_FALSE(decide_oom(seen, &policy).kill_rest);
  policy.memory.on_oom = config::OnOom::kKillContainer;
  EXPECT_TRUE(decide_oom(seen, &policy).kill_rest);
}

TEST(Oom, WhatTheKernelKillsItselfIsLeftToIt) {
  EXPECT_FALSE(decide_oom({.new_kills = 1, .processes_left = true, .kernel_kills_group = true}, nullptr).kill_rest);
  EXPECT_FALSE(decide_oom({.new_kills = 1, .processes_left = false}, nullptr).kill_rest);
}

TEST(Restart, FollowsTheRestartPolicy) {
  using config::RestartPolicy;
  const Ended failed{.exit_code = 1};
  const Ended done{.exit_code = 0};
  EXPECT_TRUE(should_restart(RestartPolicy::kAlways, done));
  EXPECT_TRUE(should_restart(RestartPolicy::kOnFailure, failed));
  EXPECT_FALSE(should_restart(RestartPolicy::kOnFailure, done));
  EXPECT_FALSE(should_restart(RestartPolicy::kNever, failed));
  EXPECT_FALSE(should_restart(RestartPolicy::kAlways, {.exit_code = 0, .init = true}));
  EXPECT_TRUE(should_restart(RestartPolicy::kAlways, {.exit_code = 1, .init = true}));
}

TEST(Restart, BacksOffFromTenSecondsToFiveMinutesAndForgets) {
  using namespace std::chrono_literals;
  const BackoffLimits limits;
  const WallTime start{};
  const Ended quick{.started = start, .at = start + 1s, .exit_code = 1};
  std::chrono::nanoseconds delay = next_delay(0s, true, quick, limits);
  EXPECT_EQ(delay, 0s) << "the first restart is immediate";
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 7; ++i) {
    delay = next_delay(delay, false, quick, limits);
    delays.push_back(std::chrono::duration_cast<std::chrono::seconds>(delay).count());
  }
  EXPECT_EQ(delays, (std::vector<std::int64_t>{10, 20, 40, 80, 160, 300, 300}));
  EXPECT_EQ(next_delay(delay, false, {.started = start, .at = start + 10min, .exit_code = 1}, limits), 0s);
}

}  // namespace
}  // namespace mete::enforcers
