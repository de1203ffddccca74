// SPDX-License-Identifier: Apache-2.0
// Deployments, StatefulSets, Jobs, ... and lists of objects, as manifests have them.
#include <gtest/gtest.h>

#include "config/reading/yaml/yaml_reader.h"
#include "config/resolve/desired_state.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

std::string workload(const std::string& kind, const std::string& spec, const std::string& pod = "") {
  const bool batch = kind == "Job";
  return "apiVersion: " + std::string(batch ? "batch/v1" : "apps/v1") + "\nkind: " + kind +
         "\nmetadata: {name: web, labels: {team: a}}\nspec:\n" + spec +
         (batch ? "" : "  selector: {matchLabels: {app: web}}\n") +
         "  template:\n    metadata: {labels: {app: web}}\n    spec:\n" +
         (batch ? "      restartPolicy: Never\n" : "") + pod + "      containers:\n      - {name: c, image: i}\n";
}

Workload read_workload_of(const std::string& text) {
  const auto documents = read_documents(text, "w.yaml");
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  EXPECT_EQ(documents.workloads.size(), 1U);
  return documents.workloads.empty() ? Workload{} : documents.workloads[0];
}

std::vector<Diagnostic> errors_of(const std::string& text) {
  return read_documents(text, "w.yaml").errors;
}

TEST(WorkloadReader, ADeploymentWithDefaults) {
  const auto read = read_workload_of(workload("Deployment", ""));
  EXPECT_EQ(read.kind(), WorkloadKind::kDeployment);
  const auto& spec = std::get<DeploymentSpec>(read.spec);
  EXPECT_FALSE(spec.replicas);
  EXPECT_EQ(spec.rolling.max_surge, (CountOrPercent{25, true}));
  EXPECT_EQ(spec.progress_deadline_seconds, 600);
  EXPECT_EQ(spec.revision_history_limit, 10);
  EXPECT_EQ(spec.pod.metadata.labels.at("app"), "web");
  EXPECT_EQ(spec.pod.spec.containers.at(0).image, "i");
  EXPECT_EQ(spec.pod.metadata.namespace_, "default");
}

TEST(WorkloadReader, ADeploymentWithAllFields) {
  const auto read = read_workload_of(workload("Deployment",
                                              "  replicas: 3\n  minReadySeconds: 5\n  progressDeadlineSeconds: 60\n"
                                              "  revisionHistoryLimit: 2\n  paused: true\n"
                                              "  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 2, "
                                              "maxUnavailable: 10%}}\n"));
  const auto& spec = std::get<DeploymentSpec>(read.spec);
  EXPECT_EQ(spec.replicas, 3);
  EXPECT_EQ(spec.min_ready_seconds, 5);
  EXPECT_EQ(spec.progress_deadline_seconds, 60);
  EXPECT_EQ(spec.revision_history_limit, 2);
  EXPECT_EQ(spec.paused, true);
  EXPECT_EQ(spec.rolling.max_surge, (CountOrPercent{2, false}));
  EXPECT_EQ(spec.rolling.max_unavailable, (CountOrPercent{10, true}));
}

TEST(WorkloadReader, TheTemplateIsCheckedAsAPodIs) {
  const auto errors = errors_of(workload("Deployment", "", "      hostNetwork: 1\n      memroy: 5\n"));
  EXPECT_TRUE(has(errors, "spec.template.spec.hostNetwork", "true or false")) << joined(errors);
  EXPECT_TRUE(has(errors, "spec.template.spec.memroy", "unknown field")) << joined(errors);
}

TEST(WorkloadReader, WhatContradictsItselfIsAnError) {
  const std::string both = "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}\n";
  EXPECT_TRUE(has(errors_of(workload("Deployment", both)), "spec.strategy.rollingUpdate", "maxSurge 0"));
  EXPECT_TRUE(has(errors_of(workload("Deployment", "  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}\n")),
                  "spec.strategy.rollingUpdate", "Recreate"));
  EXPECT_TRUE(has(errors_of(workload("Deployment", "  strategy: {rollingUpdate: {maxUnavailable: 101%}}\n")),
                  "spec.strategy.rollingUpdate.maxUnavailable", "0% to 100%"));
  EXPECT_TRUE(errors_of(workload("Deployment", "  strategy: {rollingUpdate: {maxSurge: 150%}}\n")).empty());
  EXPECT_TRUE(has(errors_of(workload("DaemonSet", "  updateStrategy: {rollingUpdate: {maxSurge: 101%}}\n")),
                  "spec.updateStrategy.rollingUpdate.maxSurge", "0% to 100%"));
  EXPECT_TRUE(has(errors_of(workload("Deployment", "", "      restartPolicy: Never\n")),
                  "spec.template.spec.restartPolicy", "Always"));
  EXPECT_TRUE(has(errors_of(workload("Deployment", "  minReadySeconds: 700\n")), "spec.minReadySeconds",
                  "more than minReadySeconds"));
  std::string other = workload("ReplicaSet", "");
  other.replace(other.find("matchLabels: {app: web}"), 23, "matchLabels: {app: api}");
  EXPECT_TRUE(has(errors_of(other), "spec.selector", "does not select"));
  EXPECT_TRUE(has(errors_of(workload("Deployment", "  replicas: -1\n")), "spec.replicas", "from 0"));
}

TEST(WorkloadReader, OnlyTheTemplateOfAJobHasADeadline) {
  const std::string deadline = "      activeDeadlineSeconds: 5\n";
  for (const char* kind : {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}) {
    const auto errors = errors_of(workload(kind, "", deadline));
    EXPECT_TRUE(has(errors, "spec.template.spec.activeDeadlineSeconds", std::string("in a ") + kind)) << joined(errors);
  }
  EXPECT_TRUE(has(errors_of("apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\nspec:\n  template:\n"
                            "    metadata: {labels: {app: web}}\n"
                            "    spec: {activeDeadlineSeconds: 5, containers: [{name: c, image: i}]}\n"),
                  "spec.template.spec.activeDeadlineSeconds", "in a ReplicationController"));
  EXPECT_TRUE(errors_of(workload("Job", "", deadline)).empty());
}

TEST(WorkloadReader, ClaimsOfAStatefulSetAreVolumesOfItsPods) {
  const auto read = read_workload_of(
      workload("StatefulSet",
               "  serviceName: db\n  podManagementPolicy: Parallel\n  ordinals: {start: 2}\n"
               "  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}\n"
               "  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}\n"
               "  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce]}\n",
               "      initContainers:\n      - {name: x, image: i, volumeMounts: [{name: data, mountPath: /d}]}\n"));
  const auto& spec = std::get<StatefulSetSpec>(read.spec);
  EXPECT_TRUE(spec.parallel);
  EXPECT_EQ(spec.first_ordinal, 2);
  EXPECT_EQ(spec.rolling.partition, 1);
  EXPECT_EQ(spec.claims, std::vector<std::string>{"data"});
  EXPECT_TRUE(spec.delete_claims_with_set);
  EXPECT_FALSE(spec.delete_claims_on_scale);
  ASSERT_EQ(spec.pod.spec.volumes.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<ClaimVolume>(spec.pod.spec.volumes[0].source));
}

TEST(WorkloadReader, ADaemonSetSurgesOrIsUnavailable) {
  const auto plain = read_workload_of(workload("DaemonSet", ""));
  EXPECT_EQ(std::get<DaemonSetSpec>(plain.spec).rolling.max_unavailable, (CountOrPercent{1, false}));
  const auto surges = read_workload_of(workload("DaemonSet", "  updateStrategy: {rollingUpdate: {maxSurge: 1}}\n"));
  EXPECT_EQ(std::get<DaemonSetSpec>(surges.spec).rolling.max_unavailable.value, 0);
  EXPECT_TRUE(
      has(errors_of(workload("DaemonSet", "  updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}\n")),
          "spec.updateStrategy.rollingUpdate", "one of them above 0"));
}

TEST(WorkloadReader, AJobAndItsRules) {
  const auto plain = read_workload_of(workload("Job", ""));
  EXPECT_EQ(std::get<JobSpec>(plain.spec).completions, 1);
  EXPECT_EQ(std::get<JobSpec>(plain.spec).backoff_limit, 6);
  const auto queue = read_workload_of(workload("Job", "  parallelism: 3\n"));
  EXPECT_FALSE(std::get<JobSpec>(queue.spec).completions);
  const auto read = read_workload_of(
      workload("Job",
               "  completions: 5\n  parallelism: 2\n  completionMode: Indexed\n  backoffLimitPerIndex: 1\n"
               "  maxFailedIndexes: 2\n  activeDeadlineSeconds: 100\n  ttlSecondsAfterFinished: 60\n  suspend: true\n"
               "  podFailurePolicy:\n    rules:\n    - {action: FailIndex, onExitCodes: {operator: In, values: [42]}}\n"
               "    - {action: Ignore, onPodConditions: [{type: DisruptionTarget}]}\n"));
  const auto& job = std::get<JobSpec>(read.spec);
  EXPECT_TRUE(job.indexed);
  EXPECT_TRUE(job.suspend);
  EXPECT_EQ(job.backoff_limit, 2'147'483'647);
  ASSERT_EQ(job.failure_rules.size(), 2U);
  EXPECT_EQ(job.failure_rules[0].values, std::set<int>{42});
  EXPECT_EQ(job.failure_rules[1].conditions, std::vector<std::string>{"DisruptionTarget"});
  EXPECT_TRUE(job.replace_failed_only);
}

TEST(WorkloadReader, AJobRefusesWhatCannotBe) {
  std::string always = workload("Job", "");
  always.replace(always.find("Never"), 5, "Always");
  EXPECT_TRUE(has(errors_of(always), "spec.template.spec.restartPolicy", "OnFailure or Never"));
  EXPECT_TRUE(has(errors_of(workload("Job", "  completionMode: Indexed\n  parallelism: 2\n")), "spec.completionMode",
                  "without `completions`"));
  EXPECT_TRUE(has(errors_of(workload("Job", "  successPolicy: {rules: [{succeededCount: 1}]}\n")), "spec.successPolicy",
                  "without completionMode Indexed"));
  const std::string indexed = "  completions: 4\n  completionMode: Indexed\n  successPolicy: {rules: ";
  const auto error_of = [&](const std::string& rules) { return errors_of(workload("Job", indexed + rules + "}\n")); };
  EXPECT_TRUE(has(error_of("[]"), "spec.successPolicy.rules", "1 to 20"));
  EXPECT_TRUE(has(error_of("[{}]"), "spec.successPolicy.rules[0]", "succeededIndexes, succeededCount or both"));
  for (const auto* wrong : {"0-4", "2,1", "a", "1-", "", "0,,1"}) {
    EXPECT_TRUE(has(error_of("[{succeededIndexes: \"" + std::string(wrong) + "\"}]"),
                    "spec.successPolicy.rules[0].succeededIndexes", "below `completions`"))
        << wrong;
  }
  EXPECT_TRUE(has(error_of("[{succeededIndexes: 0-1, succeededCount: 3}]"),
                  "spec.successPolicy.rules[0].succeededCount", "at most 2"));
  EXPECT_TRUE(
      has(errors_of(workload(
              "Job", "  podFailurePolicy: {rules: [{action: Count, onExitCodes: {operator: In, values: [0]}}]}\n")),
          "spec.podFailurePolicy.rules[0].onExitCodes.values[0]", "0 is success"));
}

TEST(WorkloadReader, ASuccessPolicy) {
  const auto read = read_workload_of(
      workload("Job",
               "  completions: 10\n  completionMode: Indexed\n"
               "  successPolicy: {rules: [{succeededIndexes: \"0,2-4\", succeededCount: 1}, {succeededCount: 9}]}\n"));
  const auto& rules = std::get<JobSpec>(read.spec).success_rules;
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0], (SuccessRule{std::set<int>{0, 2, 3, 4}, 1}));
  EXPECT_EQ(rules[1], (SuccessRule{std::nullopt, 9}));
}

TEST(WorkloadReader, AControllerWithoutLabelsSelectsNothing) {
  const std::string spec = "spec:\n  template:\n    spec: {containers: [{name: c, image: i}]}\n";
  const std::string head = "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\n";
  EXPECT_TRUE(has(errors_of(head + spec), "spec", "`selector` is empty"));
  EXPECT_TRUE(has(errors_of(head + spec + "  selector: {}\n"), "spec.selector", "`selector` is empty"));
  EXPECT_TRUE(has(errors_of("apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web}\n" + spec +
                            "  selector: {matchLabels: {}}\n"),
                  "spec.selector", "nothing to select by"));
  EXPECT_TRUE(has(errors_of("apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web}\n" + spec), "spec",
                  "`selector` is missing"));
}

TEST(WorkloadReader, AReplicationController) {
  const std::string text =
      "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\nspec:\n  replicas: 2\n"
      "  selector: {app: web}\n  template:\n    metadata: {labels: {app: web, tier: a}}\n"
      "    spec: {containers: [{name: c, image: i}]}\n";
  const auto read = read_workload_of(text);
  EXPECT_EQ(read.kind(), WorkloadKind::kReplicationController);
  EXPECT_EQ(api_version(read.kind()), "v1");
  EXPECT_EQ(std::get<ReplicationControllerSpec>(read.spec).replicas, 2);
  EXPECT_EQ(template_of(read).spec.containers.size(), 1U);
  std::string other = text;
  other.replace(other.find("{app: web}"), 10, "{app: sea}");
  EXPECT_TRUE(has(errors_of(other), "spec.selector.app", "a label that the template has"));
  std::string without = text;
  without.replace(without.find("  selector: {app: web}\n"), 23, "");
  EXPECT_EQ(std::get<ReplicationControllerSpec>(read_workload_of(without).spec).replicas, 2);
}

TEST(WorkloadReader, ARuntimeClassNamesARuntime) {
  const std::string pod =
      "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  runtimeClassName: fast\n"
      "  containers: [{name: c, image: i}]\n";
  const std::string kind = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: fast}\nhandler: ";
  const auto runtime_of = [&](const std::string& handler) {
    const auto state = assemble({read_documents(kind + handler + "\n" + pod, "f")});
    return state.ok() ? "runtime " + state.pods.at(0)->runtime : state.errors.at(0).message;
  };
  EXPECT_EQ(runtime_of("mete"), "runtime ");
  EXPECT_EQ(runtime_of("runc"), "runtime runc");
  EXPECT_TRUE(has(errors_of(kind + "Run_C\n"), "handler", "lower case letters"));
  EXPECT_TRUE(has(assemble({read_documents(pod, "f")}).errors, "spec.runtimeClassName", "found `fast`"));
  std::string own = pod;
  own.replace(own.find("fast"), 4, "mete");
  EXPECT_TRUE(assemble({read_documents(own, "f")}).ok());
}

TEST(WorkloadReader, ACronJob) {
  const std::string text =
      "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: backup}\nspec:\n  schedule: '*/5 * * * *'\n"
      "  timeZone: Europe/Berlin\n  concurrencyPolicy: Forbid\n  startingDeadlineSeconds: 30\n"
      "  successfulJobsHistoryLimit: 1\n  jobTemplate:\n    metadata: {labels: {a: b}}\n    spec:\n      template:\n"
      "        spec:\n          restartPolicy: OnFailure\n          containers: [{name: c, image: i}]\n";
  const auto read = read_workload_of(text);
  const auto& cron = std::get<CronJobSpec>(read.spec);
  EXPECT_EQ(cron.time_zone, "Europe/Berlin");
  EXPECT_EQ(cron.concurrency, ConcurrencyPolicy::kForbid);
  EXPECT_EQ(cron.starting_deadline_seconds, 30);
  EXPECT_EQ(cron.successful_limit, 1);
  EXPECT_EQ(cron.failed_limit, 1);
  EXPECT_EQ(cron.job_labels.at("a"), "b");
  std::string wrong = text;
  wrong.replace(wrong.find("*/5"), 3, "99");
  EXPECT_TRUE(has(errors_of(wrong), "spec.schedule", "minute"));
}

TEST(WorkloadReader, ListsAreReadItemByItemWithTheirPlaces) {
  const std::string text =
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n"
      "  spec: {containers: [{name: c, image: i}]}\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: b}\n"
      "  spec: {containers: [{name: c, imag: i}]}\n";
  const auto documents = read_documents(text, "l.yaml");
  EXPECT_EQ(documents.pods.size(), 1U);
  EXPECT_TRUE(has(documents.errors, "items[1].spec.containers[0].imag", "did you mean `image`"))
      << joined(documents.errors);
  EXPECT_EQ(documents.errors.at(0).location.line, 11);
}

TEST(WorkloadReader, ItemsOfAPodListNeedNoKind) {
  const std::string text =
      "{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"items\": [\n"
      " {\"metadata\": {\"name\": \"a\"}, \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"i\"}]}},\n"
      " {\"metadata\": {\"name\": \"b\"}, \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"i\"}]}}]}\n";
  const auto documents = read_documents(text, "l.json");
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_EQ(documents.pods.size(), 2U);
  const auto items = list_items(split_documents(text).at(0));
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[1].first_line, 3);
  EXPECT_EQ(read_documents(items[1].text, "b.yaml").pods.at(0), documents.pods[1]);
}

TEST(WorkloadReader, TheJsonOfAnObjectIsReadToTheSameObject) {
  const std::string texts[] = {
      workload("Deployment", "  replicas: 0x2\n",
               "      terminationGracePeriodSeconds: 010\n      hostAliases: [{ip: 1.2.3.4, hostnames: [\"a\"]}]\n"
               "      dnsConfig: {options: [{name: ndots, value: \"5\"}]}\n"),
      workload("StatefulSet", "  volumeClaimTemplates: [{metadata: {name: d}}]\n",
               "      initContainers:\n      - name: x\n        image: i\n        command: ['sh', '-c', \"echo "
               "\\\"a\\tb\\x01\\\" ü\"]\n"
               "        resources: {limits: {cpu: .5, memory: 1e8}}\n")};
  for (const auto& text : texts) {
    const auto first = read_workload_of(text);
    const auto again = read_workload_of(first.text);
    EXPECT_EQ(first, again) << first.text;
  }
}

TEST(WorkloadReader, TwoOfAKindMayNotHaveOneName) {
  const auto text =
      workload("Deployment", "") + "---\n" + workload("ReplicaSet", "") + "---\n" + workload("Deployment", "");
  const auto state = assemble({read_documents(text, "w.yaml")});
  EXPECT_EQ(state.workloads.size(), 2U);
  EXPECT_TRUE(has(state.errors, "metadata.name", "taken already")) << joined(state.errors);
}

}  // namespace
}  // namespace mete::config
