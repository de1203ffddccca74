// SPDX-License-Identifier: Apache-2.0
// Where images come from: the part of agent.yaml, imagePullPolicy, imagePullSecrets.
#include "config/model/agent_config.h"
#include "config/resolve/desired_state.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

TEST(Registries, AreReadFromAgentYaml) {
  const auto file = read_agent_config(
      "registries:\n  insecure: [\"a.lan:5000\", b]\n  blocked: [\"*\"]\n  mirrors:\n"
      "  - {registry: docker.io, hosts: [m1, \"m2:80\"]}\n",
      "agent.yaml");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const RegistryPolicy& policy = file.config.registries;
  EXPECT_EQ(policy.insecure, (std::vector<std::string>{"a.lan:5000", "b"}));
  EXPECT_EQ(policy.blocked, std::vector<std::string>{"*"});
  EXPECT_EQ(policy.mirrors, (std::vector<RegistryMirror>{{"docker.io", {"m1", "m2:80"}}}));
}

TEST(Registries, WhatIsNoHostIsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {"registries: {insecure: [\"http://a\"]}", "registries.insecure[0]"},
      {"registries: {insecure: [\"*\"]}", "registries.insecure[0]"},
      {"registries: {blocked: [\"a/b\"]}", "registries.blocked[0]"},
      {"registries: {insecure: [\"a:70000\"]}", "registries.insecure[0]"},
      {"registries: {mirrors: [{registry: docker.io, hosts: []}]}", "hosts"},
      {"registries: {mirrors: [{registry: docker.io}]}", "hosts"},
      {"registries: {mirrors: [{registry: a, hosts: [b]}, {registry: a, hosts: [c]}]}", "mirrors[1].registry"},
      {"registries: {mirrors: [{registry: https://a, hosts: [b]}]}", "mirrors[0].registry"},
  };
  for (const auto& [text, field] : cases) {
    const auto file = read_agent_config(text, "agent.yaml");
    ASSERT_FALSE(file.errors.empty()) << text;
    EXPECT_NE(to_string(file.errors[0]).find(field), std::string::npos) << to_string(file.errors[0]);
  }
}

TEST(PullPolicy, IsIfNotPresentUnlessTheManifestSaysMore) {
  EXPECT_EQ(read_one(pod_text("")).spec.containers[0].pull_policy, PullPolicy::kIfNotPresent);
  EXPECT_EQ(read_one(pod_text("    imagePullPolicy: Always\n")).spec.containers[0].pull_policy, PullPolicy::kAlways);
  EXPECT_EQ(read_one(pod_text("    imagePullPolicy: Never\n")).spec.containers[0].pull_policy, PullPolicy::kNever);
  const Pod pod = read_one(pod_text("", "  volumes: [{name: v, image: {reference: i, pullPolicy: Always}}]\n"));
  EXPECT_EQ(std::get<ImageVolume>(pod.spec.volumes.at(0).source).pull_policy, PullPolicy::kAlways);
}

TEST(PullSecrets, GiveWhatRegistriesAreTold) {
  const std::string secrets =
      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: new}\ntype: kubernetes.io/dockerconfigjson\n"
      "stringData: {.dockerconfigjson: '{\"auths\":{}}'}\n"
      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: old}\ntype: kubernetes.io/dockercfg\n"
      "stringData: {.dockercfg: '{\"a\":{}}'}\n"
      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: none}\nstringData: {a: b}\n";
  const auto documents = read_documents(
      pod_text("", "  imagePullSecrets: [{name: new}, {name: old}, {name: none}, {name: missing}]\n") + secrets,
      "p.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  const auto state = assemble({documents});
  ASSERT_TRUE(state.ok()) << joined(state.errors);
  EXPECT_EQ(state.pods.at(0)->pull_logins, (std::vector<std::string>{"{\"auths\":{}}", "{\"auths\":{\"a\":{}}}"}));
  ASSERT_EQ(state.warnings.size(), 2U) << joined(state.warnings);
  EXPECT_NE(to_string(state.warnings[0]).find("imagePullSecrets[2].name"), std::string::npos);
  EXPECT_NE(to_string(state.warnings[1]).find("does not exist"), std::string::npos);
}

}  // namespace
}  // namespace mete::config
