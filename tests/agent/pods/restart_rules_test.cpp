// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/restart_rules.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

using config::RestartPolicy;

TEST(RestartRules, LeaveAPodsContainerAlone) {
  config::Container spec;
  ContainerRecord record;
  record.restarts_in_row = 100;
  record.reason = "StartError";
  EXPECT_EQ(policy_at_end(record, RestartPolicy::kOnFailure, &spec), RestartPolicy::kOnFailure);
  EXPECT_EQ(policy_at_end(record, RestartPolicy::kAlways, nullptr), RestartPolicy::kAlways);
  EXPECT_EQ(backoff_for(&spec, {}).first, std::chrono::seconds(10));
}

TEST(RestartRules, CountTheStartsOfADockerContainer) {
  config::Container spec;
  spec.extras.edit().prompt_restarts = true;
  spec.extras.edit().most_restarts = 2;
  ContainerRecord record;
  record.reason = "Error";
  record.restarts_in_row = 1;
  EXPECT_EQ(policy_at_end(record, RestartPolicy::kOnFailure, &spec), RestartPolicy::kOnFailure);
  record.restarts_in_row = 2;
  EXPECT_EQ(policy_at_end(record, RestartPolicy::kOnFailure, &spec), RestartPolicy::kNever);
  EXPECT_EQ(backoff_for(&spec, {}).first, std::chrono::milliseconds(100));
}

TEST(RestartRules, AFirstStartThatFailsIsNotTriedAgain) {
  config::Container spec;
  spec.extras.edit().prompt_restarts = true;
  ContainerRecord record;
  record.reason = "StartError";
  EXPECT_EQ(policy_at_end(record, RestartPolicy::kAlways, &spec), RestartPolicy::kNever);
  record.restarts_in_row = 1;
  EXPECT_EQ(policy_at_end(record, RestartPolicy::kAlways, &spec), RestartPolicy::kAlways);
}

}  // namespace
}  // namespace mete::agent
