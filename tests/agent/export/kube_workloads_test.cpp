// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_workloads.h"

#include <gtest/gtest.h>

#include <set>

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

std::string written(const char* object) {
  std::string out;
  write_kube_workloads(out, {ordered_json::parse(object)}, collectors::Format::kText);
  return out;
}

void expect_sample(const std::string& text, const std::string& line) {
  EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(KubeWorkloads, ADeployment) {
  const auto text = written(R"({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop",
    "creationTimestamp": "2026-11-29T10:00:00Z", "generation": 3}, "spec": {"replicas": 4, "paused": true},
    "status": {"replicas": 4, "updatedReplicas": 2, "availableReplicas": 3, "observedGeneration": 3,
    "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}]}})");
  const std::string web = R"({namespace="shop",deployment="web"})";
  expect_sample(text, "kube_deployment_spec_replicas" + web + " 4");
  expect_sample(text, "kube_deployment_spec_paused" + web + " 1");
  expect_sample(text, "kube_deployment_status_replicas" + web + " 4");
  expect_sample(text, "kube_deployment_status_replicas_updated" + web + " 2");
  expect_sample(text, "kube_deployment_status_replicas_available" + web + " 3");
  expect_sample(text, "kube_deployment_status_replicas_unavailable" + web + " 0");
  expect_sample(text, "kube_deployment_created" + web + " 1795946400");
  expect_sample(text, R"(kube_deployment_status_condition{namespace="shop",deployment="web",condition="Available",)"
                      R"(status="true",reason="MinimumReplicasAvailable"} 1)");
  EXPECT_EQ(text.find("kube_replicaset"), std::string::npos);
}

TEST(KubeWorkloads, JobsAndTheirOwners) {
  const auto text = written(R"({"kind": "Job", "metadata": {"name": "work-1", "namespace": "shop",
    "ownerReferences": [{"kind": "CronJob", "name": "work"}]}, "spec": {"completions": 2, "parallelism": 1},
    "status": {"failed": 3, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}})");
  const std::string job = R"({namespace="shop",job_name="work-1")";
  expect_sample(text,
                "kube_job_owner" + job + R"(,owner_kind="CronJob",owner_name="work",owner_is_controller="true"} 1)");
  expect_sample(text, "kube_job_status_failed" + job + R"(,reason="BackoffLimitExceeded"} 3)");
  expect_sample(text, "kube_job_status_succeeded" + job + "} 0");
  expect_sample(text, "kube_job_failed" + job + R"(,condition="true"} 1)");
  EXPECT_EQ(text.find("kube_job_complete{"), std::string::npos) << "there is no such condition";
  EXPECT_EQ(text.find("kube_job_status_completion_time"), std::string::npos);
}

TEST(KubeWorkloads, ACronJob) {
  const auto text = written(R"({"kind": "CronJob", "metadata": {"name": "c", "namespace": "d"},
    "spec": {"schedule": "* * * * *"}, "status": {"active": [{}, {}], "lastScheduleTime": "1970-01-01T00:01:00Z"}})");
  expect_sample(
      text,
      R"(kube_cronjob_info{namespace="d",cronjob="c",schedule="* * * * *",concurrency_policy="Allow",timezone="local"} 1)");
  expect_sample(text, R"(kube_cronjob_status_active{namespace="d",cronjob="c"} 2)");
  expect_sample(text, R"(kube_cronjob_status_last_schedule_time{namespace="d",cronjob="c"} 60)");
  expect_sample(text, R"(kube_cronjob_spec_suspend{namespace="d",cronjob="c"} 0)");
}

TEST(KubeWorkloads, EachFamilyIsThereOnceAndNamesItsKind) {
  std::set<std::string_view> names;
  for (const auto& family : kube_workload_families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(family.labels.starts_with("namespace,")) << family.name;
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
  }
  EXPECT_GT(names.size(), 50U);
}

}  // namespace
}  // namespace mete::agent
