// SPDX-License-Identifier: Apache-2.0
#include "config/agent_config.h"

#include "tests/config/support.h"

namespace mete::config {
namespace {

AgentConfigFile read(std::string_view text) { return read_agent_config(text, "agent.yaml"); }

TEST(AgentConfig, AllOfItMayBeLeftOut) {
  for (const char* text : {"", "{}", "export: {}", "# nothing\n"}) {
    const auto file = read(text);
    EXPECT_TRUE(file.errors.empty()) << text << "\n" << joined(file.errors);
    const ExportPolicy& exported = file.config.exported;
    EXPECT_TRUE(exported.containers && exported.slices && exported.services && exported.id_label) << text;
    EXPECT_FALSE(exported.other || exported.kube) << text;
    EXPECT_EQ(exported.labels, (std::vector<std::string>{"com.docker.compose.project", "com.docker.compose.service"})) << text;
    EXPECT_GT(exported.most_cgroups, 1'000) << text;
  }
}

TEST(AgentConfig, ReadsEverything) {
  const auto file = read(R"(export:
  containers: false
  slices: false
  services: false
  other: true
  include: ["/hand/*"]
  exclude: [/docker/*, "*.mount"]
  idLabel: false
  labels: ["app.kubernetes.io/*"]
  maxCgroups: 7
  kube: true
collectors:
  enable: [sockets]
  disable: [io, pids]
)");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const ExportPolicy& exported = file.config.exported;
  EXPECT_FALSE(exported.containers || exported.slices || exported.services || exported.id_label);
  EXPECT_TRUE(exported.other && exported.kube);
  EXPECT_EQ(exported.include, std::vector<std::string>{"/hand/*"});
  EXPECT_EQ(exported.exclude, (std::vector<std::string>{"/docker/*", "*.mount"}));
  EXPECT_EQ(exported.labels, std::vector<std::string>{"app.kubernetes.io/*"});
  EXPECT_EQ(exported.most_cgroups, 7);
  EXPECT_EQ(file.config.collectors.enable, std::vector<std::string>{"sockets"});
  EXPECT_EQ(file.config.collectors.disable, (std::vector<std::string>{"io", "pids"}));
}

TEST(AgentConfig, NoLabelsAtAll) { EXPECT_TRUE(read("export: {labels: []}").config.exported.labels.empty()); }

struct Wrong {
  const char* text;
  const char* expected;  // part of the error
};

TEST(AgentConfig, ErrorsNameTheirPlace) {
  const std::vector<Wrong> cases = {
      {"export:\n  containrs: true\n", "agent.yaml:2:3"},
      {"export:\n  containrs: true\n", "containers"},  // did you mean
      {"export:\n  slices: maybe\n", "agent.yaml:2:11"},
      {"export:\n  maxCgroups: 0\n", "agent.yaml:2:15"},
      {"export:\n  maxCgroups: 1000001\n", "maxCgroups"},
      {"export:\n  maxCgroups: many\n", "maxCgroups"},
      {"export:\n  labels: {a: b}\n", "labels"},
      {"export: [1]\n", "export"},
      {"exprot: {}\n", "agent.yaml:1:1"},
      {"collectors:\n  disable: io\n", "disable"},
      {"export: {other: true, other: false}\n", "other"},
      {"export: {\n", "agent.yaml:"},
      {"- export\n", "agent.yaml:1"},
      {"export: text\n", "export"},
      {"export:\n  include: [\"\xff\"]\n", "agent.yaml:2"},
  };
  for (const Wrong& each : cases) {
    const auto file = read(each.text);
    EXPECT_NE(joined(file.errors).find(each.expected), std::string::npos) << each.text << "says: " << joined(file.errors);
  }
}

TEST(AgentConfig, OfSeveralErrorsAllAreTold) {
  EXPECT_EQ(read("export:\n  containrs: true\n  slices: maybe\n  maxCgroups: -1\n").errors.size(), 3U);
}

TEST(AgentConfig, WithAnErrorNothingIsTaken) {
  const auto file = read("export: {containers: false, slcies: false}");
  EXPECT_FALSE(file.errors.empty());
  EXPECT_TRUE(file.config.exported.containers);
}

}  // namespace
}  // namespace mete::config
