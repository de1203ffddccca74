// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/manifests/unmatched_policies.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

config::Policy policy(const std::string& app) {
  config::Policy policy;
  policy.metadata = {.name = "p", .namespace_ = "default"};
  policy.selector.match_labels = {{"app", app}};
  return policy;
}

config::PodPlan plan_of(const std::string& app, const std::string& name_space = "default") {
  config::PodPlan plan;
  plan.pod.metadata = {.name = "web", .namespace_ = name_space};
  plan.pod.metadata.labels = {{"app", app}};
  return plan;
}

TEST(UnmatchedPolicies, AreToldOnceForEachText) {
  UnmatchedPolicies unmatched;
  config::DesiredState desired;
  desired.policies = {policy("web")};
  EXPECT_EQ(unmatched.see(desired).size(), 1U);
  EXPECT_TRUE(unmatched.see(desired).empty());
  desired.policies = {policy("other")};
  EXPECT_EQ(unmatched.see(desired).size(), 1U) << "changed";
  desired.policies.clear();
  EXPECT_TRUE(unmatched.see(desired).empty());
  desired.policies = {policy("other")};
  EXPECT_EQ(unmatched.see(desired).size(), 1U) << "gone, and here again";
}

TEST(UnmatchedPolicies, ThoseThatSelectAPodAreNot) {
  UnmatchedPolicies unmatched;
  config::DesiredState desired;
  desired.policies = {policy("web")};
  desired.pods = {std::make_shared<config::PodPlan>(plan_of("web"))};
  EXPECT_TRUE(unmatched.see(desired).empty());
  desired.pods.clear();
  EXPECT_TRUE(unmatched.see(desired).empty()) << "a pod that goes is no fault of its policy";
  UnmatchedPolicies elsewhere;
  desired.pods = {std::make_shared<config::PodPlan>(plan_of("web", "another"))};
  EXPECT_EQ(elsewhere.see(desired).size(), 1U);
}

TEST(UnmatchedPolicies, ThoseForCgroupsAreSomebodyElses) {
  UnmatchedPolicies unmatched;
  config::DesiredState desired;
  desired.policies = {policy("web")};
  desired.policies[0].selector = {.match_labels = {}, .match_expressions = {}, .cgroups = {"/docker/*"}};
  EXPECT_TRUE(unmatched.see(desired).empty());
}

}  // namespace
}  // namespace mete::agent
