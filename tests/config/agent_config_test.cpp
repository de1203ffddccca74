// SPDX-License-Identifier: Apache-2.0
#include "config/agent_config.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

TEST(AgentConfig, AllOfItMayBeLeftOut) {
  for (const char* text : {"", "# nothing\n", "export: {}\n", "export:\n"}) {
    const auto read = read_agent_config(text, "agent.yaml");
    EXPECT_TRUE(read.errors.empty()) << text;
    EXPECT_TRUE(read.config.exported.containers);
    EXPECT_FALSE(read.config.exported.other);
    EXPECT_FALSE(read.config.exported.kube);
    EXPECT_FALSE(read.config.exported.labels.empty());
  }
}

TEST(AgentConfig, IsReadWhole) {
  const auto read = read_agent_config(
      "export:\n  services: false\n  include: [\"/batch/*\"]\n  labels: []\n  maxCgroups: 5\n  kube: true\n"
      "collectors: {enable: [tcp], disable: [io, numa]}\n",
      "agent.yaml");
  ASSERT_TRUE(read.errors.empty());
  const ExportPolicy& policy = read.config.exported;
  EXPECT_FALSE(policy.services);
  EXPECT_TRUE(policy.slices);
  EXPECT_EQ(policy.include, std::vector<std::string>{"/batch/*"});
  EXPECT_TRUE(policy.labels.empty()) << "none are wanted";
  EXPECT_EQ(policy.most_cgroups, 5);
  EXPECT_TRUE(policy.kube);
  EXPECT_EQ(read.config.collectors.enable, std::vector<std::string>{"tcp"});
  EXPECT_EQ(read.config.collectors.disable.size(), 2U);
}

TEST(AgentConfig, ErrorsNameThePlace) {
  struct Case {
    const char* text;
    const char* error;
  };
  for (const Case& wrong : {Case{"export: {servces: true}", "agent.yaml:1:10: export.servces: unknown field, did you mean `services`?"},
                            Case{"export: {kube: 3}", "agent.yaml:1:16: export.kube: found 3, expected"},
                            Case{"export: {maxCgroups: 0}", "agent.yaml:1:22: export.maxCgroups: found 0, expected"},
                            Case{"export: [", "agent.yaml:"}, Case{"- a", "agent.yaml:1:1: "}, Case{"a: \xff", "agent.yaml:1:"}}) {
    const auto read = read_agent_config(wrong.text, "agent.yaml");
    ASSERT_FALSE(read.errors.empty()) << wrong.text;
    EXPECT_TRUE(to_string(read.errors[0]).starts_with(wrong.error)) << to_string(read.errors[0]);
    EXPECT_FALSE(read.config.exported.kube) << "a wrong file changes nothing";
  }
}

}  // namespace
}  // namespace mete::config
