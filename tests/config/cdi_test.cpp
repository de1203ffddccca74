// SPDX-License-Identifier: Apache-2.0
// Specifications of the Container Device Interface, and the devices that they come to.
#include "config/reading/cdi_reader.h"
#include "config/resolve/cdi_devices.h"
#include "config/resolve/device_warnings.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

constexpr const char* kDongles = R"(cdiVersion: "0.6.0"
kind: example.com/dongle
containerEdits:
  env: [DONGLES=yes]
devices:
- name: "10"
  containerEdits:
    deviceNodes: [{path: /dev/dongle, hostPath: /dev/dongle10, type: c, major: 10, minor: 200, permissions: rw, uid: 5}]
    additionalGids: [0, 44]
- name: "9"
  annotations: {note: old}
  containerEdits:
    env: [DONGLE=nine]
    deviceNodes: [{path: /dev/dongle9, permissions: none, fileMode: 384}]
    mounts: [{hostPath: /usr/lib/dongle, containerPath: /lib/dongle, options: [ro, nosuid]}]
    hooks: [{hookName: createContainer, path: /usr/bin/hook, args: [hook, now], env: [A=b], timeout: 3}]
)";

CdiSpec spec_of(const std::string& text, const std::string& file = "a.yaml") {
  auto read = read_cdi_spec(text, file);
  EXPECT_TRUE(read.errors.empty()) << joined(read.errors);
  return std::move(read.spec);
}

TEST(CdiReader, ReadsAllOfASpecification) {
  const CdiSpec spec = spec_of(kDongles);
  EXPECT_EQ(spec.kind, "example.com/dongle");
  EXPECT_EQ(spec.edits.env, std::vector<std::string>{"DONGLES=yes"});
  ASSERT_EQ(spec.devices.size(), 2U);
  const CdiDeviceNode ten{.path = "/dev/dongle",
                          .host_path = "/dev/dongle10",
                          .type = "c",
                          .major = 10,
                          .minor = 200,
                          .mode = {},
                          .access = "rw",
                          .uid = 5,
                          .gid = {},
                          .file = "a.yaml"};
  EXPECT_EQ(spec.devices[0].edits.nodes, std::vector{ten});
  EXPECT_EQ(spec.devices[0].edits.gids, std::vector<std::uint32_t>{44}) << "nobody is given the group of root";
  const auto& nine = spec.devices[1].edits;
  EXPECT_EQ(nine.nodes.at(0).access, "");
  EXPECT_EQ(nine.nodes.at(0).mode, 0600U);
  EXPECT_EQ(nine.mounts, (std::vector{CdiMount{"/usr/lib/dongle", "/lib/dongle", {"ro", "nosuid"}, "", "a.yaml"}}));
  EXPECT_EQ(nine.hooks,
            (std::vector{CdiHook{
                "createContainer", "/usr/bin/hook", {"hook", "now"}, {"A=b"}, std::chrono::seconds(3), "a.yaml"}}));
}

TEST(CdiReader, ReadsJsonAsWell) {
  const CdiSpec spec = spec_of(
      R"({"cdiVersion": "1.0.0", "kind": "v/c", "devices": [{"name": "a:1", "containerEdits": {"intelRdt": {"closID": "x"}}}]})",
      "/etc/cdi/v.json");
  EXPECT_EQ(spec.devices.at(0).name, "a:1");
  EXPECT_EQ(spec.devices.at(0).edits.others, std::vector<std::string>{"/etc/cdi/v.json: `intelRdt`"});
}

TEST(CdiReader, WhatIsWrongIsNamed) {
  const std::string head = "cdiVersion: 0.6.0\nkind: v/c\ndevices: [{name: a, containerEdits: ";
  const std::vector<std::array<std::string, 3>> cases = {
      {"", "", "found nothing"},
      {"[", "", "never closed"},
      {"cdiVersion: 9.9.9\nkind: v/c\ndevices: [{name: a, containerEdits: {}}]\n", "cdiVersion", "found \"9.9.9\""},
      {"cdiVersion: 0.6.0\ndevices: [{name: a, containerEdits: {}}]\n", "", "`kind` is missing"},
      {"cdiVersion: 0.6.0\nkind: gpu\ndevices: [{name: a, containerEdits: {}}]\n", "kind", "VENDOR/CLASS"},
      {"cdiVersion: 0.6.0\nkind: v/-c\ndevices: [{name: a, containerEdits: {}}]\n", "kind", "VENDOR/CLASS"},
      {"cdiVersion: 0.6.0\nkind: v/c\ndevices: []\n", "devices", "no device"},
      {"cdiVersion: 0.6.0\nkind: v/c\ndevices: [{name: -a, containerEdits: {}}]\n", "devices[0].name", "both ends"},
      {"cdiVersion: 0.6.0\nkind: v/c\ndevices: [{name: a, containerEdits: {}}, {name: a, containerEdits: {}}]\n",
       "devices[1].name", "stands twice"},
      {head + "{env: [A]}}]\n", "devices[0].containerEdits.env[0]", "NAME=value"},
      {head + "{deviceNodes: [{path: dev}]}}]\n", "devices[0].containerEdits.deviceNodes[0].path", "absolute"},
      {head + "{deviceNodes: [{path: /dev/a, permissions: rx}]}}]\n",
       "devices[0].containerEdits.deviceNodes[0].permissions", "r, w and m"},
      {head + "{deviceNodes: [{path: /dev/a, type: d}]}}]\n", "devices[0].containerEdits.deviceNodes[0].type", "\"d\""},
      {head + "{deviceNodes: [{path: /dev/a, major: -1}]}}]\n", "devices[0].containerEdits.deviceNodes[0].major", "0"},
      {head + "{mounts: [{hostPath: /a}]}}]\n", "devices[0].containerEdits.mounts[0]", "`containerPath` is missing"},
      {head + "{hooks: [{hookName: later, path: /a}]}}]\n", "devices[0].containerEdits.hooks[0].hookName", "\"later\""},
      {head + "{gpus: 1}}]\n", "devices[0].containerEdits.gpus", "unknown field"},
  };
  for (const auto& [text, field, part] : cases) {
    const auto read = read_cdi_spec(text, "a.yaml");
    EXPECT_TRUE(has(read.errors, field, part)) << text << "\n" << joined(read.errors);
  }
}

TEST(CdiReader, NamesOfDevices) {
  for (const char* good : {"vendor.com/class=name", "v/c=0", "a-b.c/d_e=x:1.2-3"})
    EXPECT_TRUE(is_cdi_device(good)) << good;
  for (const char* bad : {"", "/dev/null", "/dev/a=b", "v/c", "v/c=", "=a", "v=a", "v/c=a=b", "v/c=-a", "1v/c=a"})
    EXPECT_FALSE(is_cdi_device(bad)) << bad;
}

TEST(CdiDevices, AreCountedOnceUnderTheirFirstNameInTheOrderOfNumbers) {
  const std::string gpus = R"(cdiVersion: 0.6.0
kind: nvidia.com/gpu
devices:
- {name: "0", containerEdits: {deviceNodes: [{path: /dev/nvidia0}, {path: /dev/dri/card1}]}}
- {name: "1", containerEdits: {deviceNodes: [{path: /dev/nvidia1}, {path: /dev/dri/card2}]}}
- {name: GPU-aa, containerEdits: {deviceNodes: [{path: /dev/nvidia0}, {path: /dev/dri/card1}]}}
- {name: GPU-bb, containerEdits: {deviceNodes: [{path: /dev/nvidia1}, {path: /dev/dri/card2}]}}
- name: all
  containerEdits: {deviceNodes: [{path: /dev/nvidia0}, {path: /dev/dri/card1}, {path: /dev/nvidia1}, {path: /dev/dri/card2}]}
)";
  const CdiDevices devices({spec_of(gpus), spec_of(kDongles)});
  EXPECT_EQ(devices.of_kind("nvidia.com/gpu"), (std::vector<std::string>{"nvidia.com/gpu=0", "nvidia.com/gpu=1"}));
  EXPECT_EQ(devices.of_kind("example.com/dongle"),
            (std::vector<std::string>{"example.com/dongle=9", "example.com/dongle=10"}));
  EXPECT_EQ(devices.counts(), (std::map<std::string, std::int64_t>{{"nvidia.com/gpu", 2}, {"example.com/dongle", 2}}));
  EXPECT_TRUE(devices.knows("nvidia.com/gpu=all")) << "who asks for it by its name gets it";
  EXPECT_TRUE(devices.of_kind("other.com/thing").empty());
}

// One GPU has the same nodes as all of them.
TEST(CdiDevices, OneAndAllAreOne) {
  const CdiDevices devices({spec_of(
      "cdiVersion: 0.6.0\nkind: v/c\ndevices:\n- {name: all, containerEdits: {deviceNodes: [{path: /dev/a}]}}\n"
      "- {name: x, containerEdits: {deviceNodes: [{path: /dev/a}]}}\n")});
  EXPECT_EQ(devices.of_kind("v/c"), std::vector<std::string>{"v/c=x"});
}

TEST(CdiDevices, ALaterFolderComesBeforeAnEarlierOneAndTwoOfOneFolderAreNobodys) {
  const auto of = [](const std::string& name, const std::string& value, int priority) {
    CdiSpec spec = spec_of("cdiVersion: 0.6.0\nkind: v/c\ndevices: [{name: " + name +
                           ", containerEdits: {env: [A=" + value + "]}}]\n");
    spec.priority = priority;
    return spec;
  };
  const CdiDevices devices({of("a", "low", 0), of("a", "high", 1), of("b", "x", 0), of("b", "y", 0)});
  EXPECT_EQ(devices.edits({"v/c=a"})->env, std::vector<std::string>{"A=high"});
  EXPECT_EQ(devices.conflicts(), std::vector<std::string>{"v/c=b"});
  EXPECT_FALSE(devices.edits({"v/c=b"}));
  // A folder of higher priority settles it.
  EXPECT_EQ(CdiDevices({of("b", "x", 0), of("b", "y", 0), of("b", "z", 1)}).edits({"v/c=b"})->env,
            std::vector<std::string>{"A=z"});
}

TEST(CdiDevices, CommonEditsComeOnce) {
  const CdiDevices devices({spec_of(kDongles)});
  const auto edits = devices.edits({"example.com/dongle=9", "example.com/dongle=10"});
  ASSERT_TRUE(edits) << edits.error().what;
  EXPECT_EQ(edits->env, (std::vector<std::string>{"DONGLES=yes", "DONGLE=nine"}));
  EXPECT_EQ(edits->nodes.size(), 2U);
  const auto missing = devices.edits({"example.com/dongle=9", "example.com/dongle=1", "v/c=2"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().what, "unresolvable CDI devices example.com/dongle=1, v/c=2");
}

TEST(CdiDevices, APodThatAsksForMoreThanThereIsIsWarnedOf) {
  const auto documents = read_documents(
      pod_text("    resources: {limits: {example.com/dongle: 3, v/c: 1}}\n") +
          "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: n}\nspec:\n  schedule: '* * * * *'\n"
          "  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n"
          "          containers: [{name: c, image: i, resources: {limits: {v/c: 1}}}]\n",
      "p.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  const auto warnings = device_warnings(documents, {{"example.com/dongle", 2}});
  ASSERT_EQ(warnings.size(), 3U) << joined(warnings);
  EXPECT_EQ(to_string(warnings[0]),
            "p.yaml:6:5: Pod default/p: spec.containers[0].resources.limits['example.com/dongle']: found 3, and this "
            "machine has only 2 of that kind now (Container Device Interface); the Pod waits for it");
  EXPECT_EQ(warnings[2].object, "CronJob default/n");
  EXPECT_EQ(warnings[2].field, "spec.jobTemplate.spec.template.spec.containers[0].resources.limits['v/c']");
  EXPECT_TRUE(device_warnings(documents, {{"example.com/dongle", 3}, {"v/c", 1}}).empty());
}

}  // namespace
}  // namespace mete::config
