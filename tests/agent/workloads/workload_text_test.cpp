// SPDX-License-Identifier: Apache-2.0
// The objects that a workload makes, and their names.
#include "agent/workloads/workload_text.h"

#include <gtest/gtest.h>

#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

constexpr const char* kDeployment =
    R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","annotations":{"kubernetes.io/change-cause":"first"}},)"
    R"("spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"minReadySeconds":3,)"
    R"("template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})";

config::Workload read(const std::string& text) {
  auto workload = read_workload_text(text, "w.yaml");
  EXPECT_TRUE(workload) << workload.error().what;
  return workload ? *workload : config::Workload{};
}

TEST(WorkloadText, AReplicaSetIsReadAsAManifestIs) {
  const std::string hash = hash_of(template_text(kDeployment), 0);
  const auto set = read(replica_set_text(kDeployment, "web-" + hash, hash));
  EXPECT_EQ(set.kind(), config::WorkloadKind::kReplicaSet);
  EXPECT_EQ(set.metadata.namespace_, "shop");
  EXPECT_EQ(set.metadata.annotations.at(kChangeCause), "first");
  const auto& spec = std::get<config::ReplicaSetSpec>(set.spec);
  EXPECT_EQ(spec.min_ready_seconds, 3);
  EXPECT_EQ(spec.pod.metadata.labels.at(kTemplateHash), hash);
  // But for the label its template is the Deployment's.
  auto pod = spec.pod;
  pod.metadata.labels.erase(kTemplateHash);
  EXPECT_EQ(pod, config::template_of(read(kDeployment)));
}

TEST(WorkloadText, HashesAreOfTheTemplateAlone) {
  const std::string hash = hash_of(template_text(kDeployment), 0);
  EXPECT_LE(hash.size(), 10U);
  EXPECT_EQ(hash.find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
  json other = json::parse(kDeployment);
  other["spec"]["replicas"] = 5;
  EXPECT_EQ(hash_of(template_text(other.dump()), 0), hash);
  other["spec"]["template"]["spec"]["containers"][0]["image"] = "j";
  EXPECT_NE(hash_of(template_text(other.dump()), 0), hash);
  EXPECT_NE(hash_of(template_text(kDeployment), 1), hash);
}

TEST(WorkloadText, WhatCommandsSayStandsOverTheManifest) {
  Overrides overrides;
  EXPECT_EQ(with_overrides(kDeployment, overrides), kDeployment);
  overrides.restarted_at = "2026-11-29T10:00:00Z";
  auto workload = read(with_overrides(kDeployment, overrides));
  EXPECT_EQ(config::template_of(workload).metadata.annotations.at(kRestartedAt), "2026-11-29T10:00:00Z");
  overrides.restarted_at.clear();
  overrides.template_text =
      R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"old"}]}})";
  workload = read(with_overrides(kDeployment, overrides));
  EXPECT_EQ(config::template_of(workload).spec.containers.at(0).image, "old");
  EXPECT_TRUE(says_otherwise(kDeployment, with_overrides(kDeployment, overrides), "template"));
  EXPECT_FALSE(says_otherwise(kDeployment, with_overrides(kDeployment, overrides), "replicas"));
}

TEST(WorkloadText, NamesStayWithinALabel) {
  EXPECT_EQ(generated_name("web-abc-", "12345"), "web-abc-12345");
  EXPECT_EQ(generated_name(std::string(80, 'a'), "12345").size(), 63U);
}

TEST(WorkloadText, AJobOfACronJob) {
  const std::string cron =
      R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"tick","namespace":"shop"},"spec":{"schedule":"* * * * *",)"
      R"("jobTemplate":{"metadata":{"labels":{"a":"b"}},"spec":{"completions":3,"template":{"spec":{"restartPolicy":"Never",)"
      R"("containers":[{"name":"c","image":"i"}]}}}}}})";
  const auto job = read(job_text(cron, "tick-1", WallTime(std::chrono::seconds(60))));
  EXPECT_EQ(job.kind(), config::WorkloadKind::kJob);
  EXPECT_EQ(job.metadata.labels.at("a"), "b");
  EXPECT_EQ(job.metadata.annotations.at("batch.kubernetes.io/cronjob-scheduled-timestamp"), "1970-01-01T00:01:00Z");
  EXPECT_EQ(std::get<config::JobSpec>(job.spec).completions, 3);
}

TEST(ChildPod, AJobsPodKnowsItsIndex) {
  config::Workload job;
  job.metadata.name = "work";
  config::JobSpec spec;
  spec.pod.spec.containers.push_back({.name = "c"});
  job.spec = spec;
  const auto pod = child_pod(job, "work-2-abcde", {"Job", "work", "u1", "", 2});
  EXPECT_EQ(pod.metadata.labels.at("batch.kubernetes.io/job-completion-index"), "2");
  EXPECT_EQ(pod.metadata.labels.at("job-name"), "work");
  EXPECT_EQ(pod.metadata.labels.at("controller-uid"), "u1");
  EXPECT_EQ(pod.spec.hostname, "work-2");
  EXPECT_EQ(pod.spec.containers.at(0).env.at(0).name, "JOB_COMPLETION_INDEX");
}

TEST(ChildPod, AStatefulSetsPodHasItsNameAndClaims) {
  config::Workload set;
  set.metadata.name = "db";
  config::StatefulSetSpec spec;
  spec.service_name = "dbs";
  spec.claims = {"data"};
  spec.pod.spec.volumes = {{"data", config::ClaimVolume{"data", false}, {}}, {"tmp", config::EmptyDirVolume{}, {}}};
  set.spec = spec;
  const auto pod = child_pod(set, "db-1", {"StatefulSet", "db", "u1", "db-abc", 1});
  EXPECT_EQ(pod.spec.hostname, "db-1");
  EXPECT_EQ(pod.spec.subdomain, "dbs");
  EXPECT_EQ(std::get<config::ClaimVolume>(pod.spec.volumes.at(0).source).claim, "data-db-1");
  EXPECT_TRUE(std::holds_alternative<config::EmptyDirVolume>(pod.spec.volumes.at(1).source));
  EXPECT_EQ(pod.metadata.labels.at(kRevisionHash), "db-abc");
}

TEST(WorkloadRecord, IsReadAsItWasWritten) {
  WorkloadRecord record;
  record.kind = config::WorkloadKind::kJob;
  record.namespace_ = "shop";
  record.name = "work";
  record.uid = "u1";
  record.owner = {"CronJob", "tick", "u0", "", -1};
  record.source = "/m/w.yaml";
  record.text = kDeployment;
  record.created = WallTime(std::chrono::nanoseconds(123456789));
  record.generation = 7;
  record.deleting = record.expired = true;
  record.overrides = {3, true, "{}", "now"};
  record.revision = 4;
  record.wanted = 5;
  record.sized_for = 6;
  record.sized_within = 8;
  record.progress = {"ReplicaSetUpdated",
                     WallTime(std::chrono::seconds(9)),
                     1,
                     2,
                     3,
                     4,
                     WallTime(std::chrono::seconds(10)),
                     true,
                     WallTime(std::chrono::seconds(11))};
  record.collisions = 1;
  record.revisions = {{"db-abc", 2, "{}"}};
  record.current_revision = "db-abc";
  record.job = {WallTime(std::chrono::seconds(1)),
                WallTime(std::chrono::seconds(2)),
                JobEnd::kFailed,
                true,
                3,
                4,
                {"u5", "u6"},
                {1, 2},
                {3},
                {{3, {2, WallTime(std::chrono::seconds(5))}}},
                2,
                WallTime(std::chrono::seconds(6)),
                "BackoffLimitExceeded",
                "too often",
                2,
                WallTime(std::chrono::seconds(12)),
                WallTime(std::chrono::seconds(13))};
  record.cron = {WallTime(std::chrono::seconds(7)), WallTime(std::chrono::seconds(8))};
  const auto again = parse_workload_record(to_json(record));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, record);
  EXPECT_FALSE(parse_workload_record("{}"));
  EXPECT_FALSE(parse_workload_record("{\"version\": 2}"));
}

}  // namespace
}  // namespace mete::agent
