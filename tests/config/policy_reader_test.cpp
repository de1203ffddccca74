// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "config/model/policy.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

using namespace literals;
using namespace std::chrono_literals;

std::string policy_text(const std::string& rest, const std::string& selector = "{matchLabels: {app: web}}") {
  return "apiVersion: mete/v1\nkind: Policy\nmetadata: {name: web}\nspec:\n  selector: " + selector + "\n" + rest;
}

// Every field there is.
constexpr const char* kEverything = R"(  dryRun: true
  cpu:
    burst: 50ms
    exclusive: true
    boost: {whenThrottled: 25%, for: 10s, factor: 1.2, max: 300%, coolDown: 60s}
  memory:
    at:
    - {usage: 80%, do: signal, signal: SIGUSR1}
    - {usage: 90%, do: reclaim}
    - {usage: 95%, do: exec, command: [/bin/dump-heap], timeout: 2s}
    pressure: {full: 40%, for: 2s, do: kill-container}
    onOOM: kill-process
    hold: {timeout: 5s, then: kill-container}
    raise: {by: 25%, max: 512Mi}
    swap: 64Mi
  io: {devices: [{path: /, readBps: 50Mi, writeBps: 20Mi, readIops: 2k, writeIops: 1k, latency: 10ms}], weight: 100}
  pids: {max: 256}
  devices: {allow: [{path: /dev/fuse}, {path: /dev/net/tun, access: rw}], deny: [{path: /dev/full}]}
  netCls: {classId: "10:2a"}
  network: {ingress: 10M, egress: 2M, burst: 256Ki}
  guard: {maxKills: 3, per: 1m}
)";

TEST(PolicyReader, ReadsEverything) {
  const auto documents = read_documents(policy_text(kEverything), "policy.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  const Policy& policy = documents.policies.at(0);
  EXPECT_TRUE(policy.dry_run);
  EXPECT_EQ(policy.cpu.burst, 50ms);
  EXPECT_TRUE(policy.cpu.exclusive && !policy.cpu.idle);
  EXPECT_EQ(policy.cpu.boost->factor, Ratio(1'200'000));
  EXPECT_EQ(policy.cpu.boost->max, Ratio(3'000'000));
  EXPECT_EQ(policy.cpu.boost->cool_down, 60s);
  ASSERT_EQ(policy.memory.at.size(), 3U);
  EXPECT_EQ(policy.network, (Bandwidth{10'000'000, 2'000'000, 262'144}));
  EXPECT_EQ(policy.memory.at[0].signal, SIGUSR1);
  EXPECT_EQ(policy.memory.at[1].action, ThresholdAction::kReclaim);
  EXPECT_EQ(policy.memory.at[2].command, std::vector<std::string>{"/bin/dump-heap"});
  EXPECT_EQ(policy.memory.at[2].timeout, 2s);
  EXPECT_EQ(policy.memory.pressure->full, Ratio(400'000));
  EXPECT_EQ(policy.memory.on_oom, OnOom::kKillProcess);
  EXPECT_EQ(policy.memory.hold->timeout, 5s);
  EXPECT_EQ(policy.memory.raise->max, 512_MiB);
  EXPECT_EQ(policy.io.devices[0].read_operations_per_second, 2000);
  EXPECT_EQ(policy.io.devices[0].write_per_second, 20_MiB);
  EXPECT_EQ(policy.io.weight, 100);
  EXPECT_EQ(policy.io.devices[0].latency, 10ms);
  EXPECT_EQ(policy.memory.swap, 64_MiB);
  EXPECT_EQ(policy.devices.allow, (std::vector<DevicePermission>{{"/dev/fuse", "rwm"}, {"/dev/net/tun", "rw"}}));
  EXPECT_EQ(policy.devices.deny, (std::vector<DevicePermission>{{"/dev/full", "rwm"}}));
  EXPECT_EQ(policy.net_cls.class_id, 0x10002AU);
  EXPECT_EQ(policy.pids.max, 256);
  EXPECT_EQ(policy.guard->max_kills, 3);
}

TEST(PolicyReader, WhatOnlyALauncherCanDoIsRefusedForCgroupsOfOthers) {
  for (const auto& [memory, field] :
       {std::pair("at: [{usage: 80%, do: restart}]", "at[0].do"),
        std::pair("at: [{usage: 70%, do: reclaim}, {usage: 80%, do: exec, command: [a]}]", "at[1].do"),
        std::pair("pressure: {full: 10%, for: 1s, do: restart}", "pressure.do"),
        std::pair("thrashing: {refaults: 10%, for: 1s, do: restart}", "thrashing.do")}) {
    const auto documents =
        read_documents(policy_text(std::string("  memory: {") + memory + "}\n", "{cgroups: [\"/docker/*\"]}"), "");
    EXPECT_TRUE(has(documents.errors, std::string("spec.memory.") + field, "")) << memory << joined(documents.errors);
    EXPECT_NE(joined(documents.errors).find("are for pods"), std::string::npos) << joined(documents.errors);
  }
}

TEST(PolicyReader, NoSignalGoesPastTheGuard) {
  const auto refused = [](const std::string& signal, const std::string& expected) {
    const auto documents =
        read_documents(policy_text("  memory: {at: [{usage: 80%, do: signal, signal: " + signal + "}]}\n"), "");
    EXPECT_TRUE(has(documents.errors, "spec.memory.at[0].signal", "")) << joined(documents.errors);
    EXPECT_NE(joined(documents.errors).find(expected), std::string::npos) << joined(documents.errors);
  };
  refused("SIGKILL", "`do: kill-process`");
  refused("KILL", "`do: kill-process`");
  refused("SIGSTOP", "`do: freeze`");
}

TEST(PolicyReader, WhatIsNotActiveYetWarns) {
  const auto documents = read_documents(policy_text(kEverything), "policy.yaml");
  EXPECT_EQ(documents.warnings.size(), 0U) << joined(documents.warnings);
}

TEST(PolicyReader, WhatDecidesBeforeTheKernelIsRead) {
  const auto documents = read_documents(policy_text("  memory:\n"
                                                    R"(
    at:
    - {usage: 70%, do: freeze, timeout: 3s, then: kill-process}
    - {usage: 80%, do: raise}
    - {usage: 90%, do: restart}
    thrashing: {refaults: 150%, for: 2s, do: restart}
    onOOM: hold
    hold: {timeout: 5s, then: raise}
    raise: {by: 25%, max: 96Mi}
    notify: true
)"),
                                        "");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  const auto& memory = documents.policies.at(0).memory;
  ASSERT_EQ(memory.at.size(), 3U);
  EXPECT_EQ(memory.at[0].action, ThresholdAction::kFreeze);
  EXPECT_EQ(memory.at[0].timeout, 3s);
  EXPECT_EQ(memory.at[0].then, AfterFreeze::kKillProcess);
  EXPECT_EQ(memory.at[1].action, ThresholdAction::kRaise);
  EXPECT_EQ(memory.at[2].action, ThresholdAction::kRestart);
  EXPECT_EQ(memory.thrashing->refaults, Ratio(1'500'000));
  EXPECT_EQ(memory.thrashing->action, ThresholdAction::kRestart);
  EXPECT_EQ(memory.hold->then, OnOom::kRaise);
  EXPECT_TRUE(memory.notify);
}

TEST(PolicyReader, WhatIsActiveDoesNotWarn) {
  const auto documents = read_documents(
      policy_text("  dryRun: false\n  cpu: {burst: 1ms}\n  memory: {onOOM: kill-container}\n  pids: {max: 2k}\n"), "");
  EXPECT_TRUE(documents.ok());
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
}

TEST(PolicyReader, WhatIsWrongIsNamed) {
  struct Case {
    std::string text, field, part;
  };
  const std::vector<Case> cases = {
      {"  cpu: {burst: 50}\n", "spec.cpu.burst", "a duration"},
      {"  cpu: {burst: 1500ns}\n", "spec.cpu.burst", "whole microseconds"},
      {"  cpu: {boost: {whenThrottled: 25%, for: 1s, factor: 1, coolDown: 1s}}\n", "spec.cpu.boost.factor", "above 1"},
      {"  cpu: {exclusive: true, idle: true}\n", "spec.cpu.idle", "one of them"},
      {"  memory: {onOOM: kill}\n", "spec.memory.onOOM", "kill-container, kill-process, hold or raise"},
      {"  memory: {onOOM: raise}\n", "spec.memory.onOOM", "a field `raise`"},
      {"  memory: {at: [{usage: 120%, do: reclaim}]}\n", "spec.memory.at[0].usage", "at most 100%"},
      {"  memory: {at: [{usage: 80, do: reclaim}]}\n", "spec.memory.at[0].usage", "a percentage"},
      {"  memory: {at: [{usage: 80%, do: signal}]}\n", "spec.memory.at[0]", "`signal` is missing"},
      {"  memory: {at: [{usage: 80%, do: exec}]}\n", "spec.memory.at[0]", "`command` is missing"},
      {"  memory: {at: [{usage: 80%, do: signal, signal: SIGFOO}]}\n", "spec.memory.at[0].signal", "SIGUSR1"},
      {"  memory: {at: [{usage: 80%, do: freeze, then: thaw}]}\n", "spec.memory.at[0]", "`timeout` is missing"},
      {"  memory: {at: [{usage: 80%, do: freeze, timeout: 1s}]}\n", "spec.memory.at[0]", "`then` is missing"},
      {"  memory: {at: [{usage: 80%, do: raise}]}\n", "spec.memory.at[0].do", "a field `memory.raise`"},
      {"  memory: {hold: {timeout: 1s, then: raise}}\n", "spec.memory.hold.then", "a field `memory.raise`"},
      {"  memory: {pressure: {full: 1%, for: 1s, do: freeze}}\n", "spec.memory.pressure.do", "reclaim, restart"},
      {"  memory: {thrashing: {refaults: 0%, for: 1s, do: reclaim}}\n", "spec.memory.thrashing.refaults",
       "more than 0%"},
      {"  memory: {pressure: {for: 1s, do: reclaim}}\n", "spec.memory.pressure", "neither `some` nor `full`"},
      {"  memory: {hold: {timeout: 1s, then: hold}}\n", "spec.memory.hold.then", "kill-container"},
      {"  memory: {raise: {by: 0%}}\n", "spec.memory.raise.by", "more than 0%"},
      {"  io: {weight: 0}\n", "spec.io.weight", "from 1 to 10000"},
      {"  io: {devices: [{path: sda}]}\n", "spec.io.devices[0].path", "absolute path"},
      {"  io: {devices: [{path: /, readBps: 0}]}\n", "spec.io.devices[0].readBps", "more than 0"},
      {"  io: {devices: [{path: /, readIops: 4294967295}]}\n", "spec.io.devices[0].readIops", "4294967294"},
      {"  io: {devices: [{path: /, writeIops: 5G}]}\n", "spec.io.devices[0].writeIops", "4294967294"},
      {"  pids: {max: 0}\n", "spec.pids.max", "at least 1"},
      {"  pids: {max: many}\n", "spec.pids.max", "a number such as"},
      {"  guard: {maxKills: 3}\n", "spec.guard", "`per` is missing"},
      {"  memory: {onOom: kill-process}\n", "spec.memory.onOom", "did you mean `onOOM`?"},
  };
  for (const auto& [text, field, part] : cases) {
    const auto documents = read_documents(policy_text(text), "");
    EXPECT_TRUE(has(documents.errors, field, part)) << text << joined(documents.errors);
    EXPECT_EQ(documents.errors.size(), 1U) << text << joined(documents.errors);
    EXPECT_TRUE(documents.policies.empty());
  }
}

TEST(PolicyReader, ASelectorSelectsOneWay) {
  for (const std::string selector : {"{}", "{matchLabels: {}}", "{matchLabels: {a: b}, cgroups: [/x]}",
                                     "{matchExpressions: [{key: a, operator: In}]}", "{cgroups: [x]}"}) {
    EXPECT_FALSE(read_documents(policy_text("", selector), "").ok()) << selector;
  }
}

TEST(Selector, MatchesAsKubernetesDoes) {
  const std::map<std::string, std::string> labels = {{"app", "web"}, {"tier", "front"}};
  const auto match = [&](const std::string& selector) {
    const auto documents = read_documents(policy_text("", selector), "");
    EXPECT_TRUE(documents.ok()) << joined(documents.errors);
    return matches(documents.policies.at(0).selector, labels);
  };
  EXPECT_TRUE(match("{matchLabels: {app: web}}"));
  EXPECT_TRUE(match("{matchLabels: {app: web, tier: front}}"));
  EXPECT_FALSE(match("{matchLabels: {app: web, tier: back}}"));
  EXPECT_FALSE(match("{matchLabels: {other: web}}"));
  EXPECT_TRUE(match("{matchExpressions: [{key: app, operator: In, values: [db, web]}]}"));
  EXPECT_FALSE(match("{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}"));
  EXPECT_TRUE(match("{matchExpressions: [{key: none, operator: NotIn, values: [web]}]}"));
  EXPECT_TRUE(match("{matchExpressions: [{key: app, operator: Exists}]}"));
  EXPECT_TRUE(match("{matchExpressions: [{key: none, operator: DoesNotExist}]}"));
  EXPECT_FALSE(matches(Selector{}, labels));
}

}  // namespace
}  // namespace mete::config
