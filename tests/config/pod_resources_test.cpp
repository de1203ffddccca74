// SPDX-License-Identifier: Apache-2.0
// `resources` of a whole pod: what is taken over from its containers, and what contradicts them.
#include "tests/config/support.h"

namespace mete::config {
namespace {

using namespace literals;

Documents with_resources(const std::string& resources, const std::string& container = "{}") {
  return read_documents("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  resources: " + resources +
                            "\n  containers:\n  - {name: a, image: i, resources: " + container +
                            "}\n  - {name: b, image: i}\n",
                        "p.yaml");
}

Resources resources_of(const Documents& documents) {
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  return documents.pods.at(0).spec.resources.value_or(Resources());
}

TEST(PodResources, ARequestThatIsNotSetIsTheContainersOrTheLimit) {
  auto read_one = resources_of(with_resources("{limits: {cpu: 2, memory: 64Mi}}"));
  EXPECT_EQ(read_one.requests.cpu, 2000_mCPU);
  EXPECT_EQ(read_one.requests.memory, 64_MiB);
  read_one = resources_of(with_resources("{limits: {cpu: 2, memory: 64Mi}}", "{requests: {cpu: 500m}}"));
  EXPECT_EQ(read_one.requests.cpu, 500_mCPU);
  EXPECT_EQ(read_one.requests.memory, 64_MiB);
  read_one = resources_of(with_resources("{requests: {cpu: 1}}"));
  EXPECT_EQ(read_one.requests.cpu, 1000_mCPU);
  EXPECT_FALSE(read_one.limits.cpu || read_one.limits.memory);
}

TEST(PodResources, WhatContradictsTheContainersIsAnError) {
  const std::string at = "spec.resources.";
  EXPECT_TRUE(has(with_resources("{requests: {cpu: 100m}}", "{requests: {cpu: 200m}}").errors, at + "requests.cpu",
                  "less than the requests of all containers"));
  EXPECT_TRUE(has(with_resources("{limits: {memory: 100Mi}}", "{limits: {memory: 200Mi}}").errors, at + "limits.memory",
                  "below that of container `a`"));
  EXPECT_TRUE(
      has(with_resources("{requests: {cpu: 2}, limits: {cpu: 1}}").errors, at + "limits.cpu", "below the request"));
  EXPECT_TRUE(has(with_resources("{limits: {ephemeral-storage: 1Gi}}").errors, at + "limits.ephemeral-storage",
                  "cpu or memory"));
}

TEST(PodResources, ProcessesAreThePodsAloneAndSayNothingOfTheRest) {
  const auto alone = with_resources("{limits: {pids: \"2k\"}}", "{limits: {cpu: 1}}");
  ASSERT_TRUE(alone.ok()) << joined(alone.errors);
  EXPECT_TRUE(alone.warnings.empty()) << joined(alone.warnings);
  EXPECT_EQ(alone.pods.at(0).spec.pids_limit, 2000U);
  EXPECT_FALSE(alone.pods.at(0).spec.resources) << "CPU and memory are what the containers say";
  const auto beside = with_resources("{limits: {pids: 7, memory: 64Mi}}");
  ASSERT_TRUE(beside.ok()) << joined(beside.errors);
  EXPECT_EQ(beside.pods.at(0).spec.pids_limit, 7U);
  EXPECT_EQ(beside.pods.at(0).spec.resources->limits.memory, 64_MiB);
  EXPECT_FALSE(with_resources("{}").pods.at(0).spec.pids_limit);
  // A changed limit is no other pod, and what stands beside it is one.
  EXPECT_EQ(alone.pods[0].identity_text, with_resources("{}", "{limits: {cpu: 1}}").pods.at(0).identity_text);
  EXPECT_EQ(beside.pods[0].identity_text, with_resources("{limits: {memory: 64Mi}}").pods.at(0).identity_text);
  EXPECT_NE(beside.pods[0].identity_text, alone.pods[0].identity_text);
}

TEST(PodResources, WhatIsNoNumberOfProcesses) {
  for (const char* wrong : {"0", "-1", "1.5", "many", "4194305", "[]", "{}"})
    EXPECT_TRUE(has(with_resources("{limits: {pids: " + std::string(wrong) + "}}").errors, "spec.resources.limits.pids",
                    "expected a whole number of processes and threads from 1 to 4194304"))
        << wrong;
  EXPECT_TRUE(has(with_resources("{requests: {pids: 5}}").errors, "spec.resources.requests.pids", "unknown resource"));
  EXPECT_TRUE(has(with_resources("{}", "{limits: {pids: 5}}").errors, "spec.containers[0].resources.limits.pids",
                  "`limits` of the pod's own resources"));
}

}  // namespace
}  // namespace mete::config
