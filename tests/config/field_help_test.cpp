// SPDX-License-Identifier: Apache-2.0
#include "config/reading/schema/field_help.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

TEST(FieldHelp, HasTheLayoutOfKubectl) {
  const auto help = field_help("pod.spec.containers.resources");
  ASSERT_TRUE(help);
  EXPECT_TRUE(
      help->starts_with("KIND:       Pod\nVERSION:    v1\n\nFIELD: resources <ResourceRequirements>\n\nFIELDS:\n"
                        "  limits\t<map[string]Quantity>\n"))
      << *help;
  const auto policy = field_help("pods.spec.containers[].terminationMessagePolicy");
  ASSERT_TRUE(policy);
  EXPECT_EQ(*policy,
            "KIND:       Pod\nVERSION:    v1\n\nFIELD: terminationMessagePolicy <string>\n\nDESCRIPTION:\n"
            "    One of File, FallbackToLogsOnError.\n");
  EXPECT_TRUE(field_help("Pod.spec")->find("  containers\t<[]Container> -required-\n") != std::string::npos);
}

TEST(FieldHelp, KnowsTheKindsByTheNamesOfKubectl) {
  const std::pair<const char*, const char*> cases[] = {
      {"deployment.spec", "KIND:       Deployment\nVERSION:    apps/v1\n\nFIELD: spec <DeploymentSpec>"},
      {"deploy.spec.template.spec.containers", "FIELD: containers <[]Container>"},
      {"jobs.spec", "VERSION:    batch/v1\n\nFIELD: spec <JobSpec>"},
      {"sts.spec", "<StatefulSetSpec>"},
      {"cj.spec", "<CronJobSpec>"},
      {"ds.spec", "<DaemonSetSpec>"},
      {"rs.spec", "<ReplicaSetSpec>"},
      {"rc.spec", "VERSION:    v1\n"},
      {"svc.spec", "KIND:       Service\n"},
      {"networkpolicies.spec", "KIND:       NetworkPolicy\n"},
      {"policies.spec", "KIND:       Policy\n"},
      {"pvc.spec", "KIND:       PersistentVolumeClaim\n"},
  };
  for (const auto& [path, expected] : cases) {
    const auto help = field_help(path);
    ASSERT_TRUE(help) << path << ": " << help.error().what;
    EXPECT_NE(help->find(expected), std::string::npos) << *help;
  }
}

TEST(FieldHelp, WhatIsNoFieldIsNamedWithTheNearest) {
  EXPECT_EQ(field_help("pod.spec.container").error().what,
            "field \"container\" does not exist in pod.spec, did you mean \"containers\"?");
  EXPECT_EQ(field_help("pod.spec.hostNetwork.x").error().what, "pod.spec.hostNetwork has no fields");
  EXPECT_FALSE(field_help("pod..spec"));
  EXPECT_FALSE(field_help("pod."));
  EXPECT_FALSE(field_help("deploymentz"));
  EXPECT_TRUE(names_field("pod"));
  EXPECT_FALSE(names_field("web"));
  EXPECT_FALSE(names_field("podium.spec"));
}

TEST(FieldHelp, KnowsEveryFieldOfTheTables) {
  std::size_t fields = 0;
  const std::function<void(const ObjectSpec&, const std::string&)> see = [&](const ObjectSpec& spec,
                                                                             const std::string& path) {
    for (const auto& field : spec.fields) {
      const std::string here = path + "." + std::string(field.name);
      const auto help = field_help(here);
      EXPECT_TRUE(help) << here;
      ++fields;
      if (field.object != nullptr) see(*field.object, here);
    }
  };
  see(kPodSpec, "pod");
  see(kPolicySpec, "policy");
  see(kAgentConfigSpec, "agent");
  EXPECT_GT(fields, 500U);
}

}  // namespace
}  // namespace mete::config
