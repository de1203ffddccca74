// SPDX-License-Identifier: Apache-2.0
// The tables of `mete get` and the sentences of `mete rollout status`, which are kubectl's.
#include "agent/cli/objects/kinds.h"

#include <gtest/gtest.h>

#include "agent/cli/objects/rollout_status.h"

namespace mete::agent::cli {
namespace {

// The cells of a line.
std::vector<std::string> cells(const std::string& table, std::size_t line) {
  std::size_t start = 0;
  for (; line > 0; --line) start = table.find('\n', start) + 1;
  std::string text = table.substr(start, table.find('\n', start) - start);
  std::vector<std::string> list;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("   ", at), text.size());
    list.push_back(text.substr(at, end - at));
    at = std::min(text.find_first_not_of(' ', end), text.size());
  }
  return list;
}

using Cells = std::vector<std::string>;

TEST(Kinds, HaveTheNamesOfKubectl) {
  for (const char* name :
       {"deploy", "deployment", "deployments", "Deployment", "deployments.apps", "deployment.apps"}) {
    ASSERT_NE(kind_named(name), nullptr) << name;
    EXPECT_EQ(kind_named(name)->kind, "Deployment");
  }
  EXPECT_EQ(kind_named("po")->kind, "Pod");
  EXPECT_EQ(kind_named("cj")->kind, "CronJob");
  EXPECT_EQ(kind_named("job.batch")->kind, "Job");
  EXPECT_EQ(kind_named("web"), nullptr);
  EXPECT_EQ(full_object_name(*kind_named("sts"), "db"), "statefulset.apps/db");
}

TEST(Kinds, DeploymentsAndSetsInColumns) {
  const Json web =
      Json::parse(R"({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {"containers": [
    {"name": "c", "image": "i"}, {"name": "d", "image": "j"}]}}},
    "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1}})");
  const auto* const kind = kind_named("deploy");
  const auto table = kind_table(*kind, {web}, {.wide = true, .namespaces = true, .labels = true});
  EXPECT_EQ(cells(table, 0), (Cells{"NAMESPACE", "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS",
                                    "IMAGES", "SELECTOR", "LABELS"}));
  const auto row = cells(table, 1);
  EXPECT_EQ(Cells(row.begin(), row.begin() + 5), (Cells{"shop", "web", "2/3", "3", "1"}));
  EXPECT_EQ(Cells(row.begin() + 6, row.end()), (Cells{"c,d", "i,j", "app=web", "a=b"}));
  EXPECT_EQ(cells(kind_table(*kind, {web}, {.prefixed = true}), 1).at(0), "deployment.apps/web");
}

TEST(Kinds, AJobAndACronJob) {
  const Json work = Json::parse(R"({"kind": "Job", "metadata": {"name": "work"}, "spec": {"completions": 4},
    "status": {"succeeded": 3, "startTime": "2026-11-29T10:00:00Z", "completionTime": "2026-11-29T10:01:30Z",
    "conditions": [{"type": "Complete", "status": "True"}]}})");
  const auto row = cells(kind_table(*kind_named("job"), {work}, {}), 1);
  EXPECT_EQ(Cells(row.begin(), row.begin() + 4), (Cells{"work", "Complete", "3/4", "90s"}));
  const Json tick = Json::parse(R"({"kind": "CronJob", "metadata": {"name": "tick"}, "spec": {"schedule": "*/5 * * * *",
    "suspend": true}, "status": {"active": [{}]}})");
  const auto cron = cells(kind_table(*kind_named("cj"), {tick}, {}), 1);
  EXPECT_EQ(Cells(cron.begin(), cron.begin() + 6), (Cells{"tick", "*/5 * * * *", "<none>", "True", "1", "<none>"}));
}

std::string selector_cell(const char* kind, const char* spec) {
  const Json object = {{"kind", kind}, {"metadata", {{"name", "x"}, {"uid", "u-1"}}}, {"spec", Json::parse(spec)}};
  return cells(kind_table(*kind_named(kind), {object}, {.wide = true}), 1).back();
}

TEST(Kinds, TheColumnSelector) {
  EXPECT_EQ(selector_cell("Deployment", R"({"selector": {"matchLabels": {"b": "1"}, "matchExpressions": [
    {"key": "c", "operator": "In", "values": ["y", "x"]}, {"key": "a", "operator": "NotIn", "values": ["z"]},
    {"key": "d", "operator": "Exists"}, {"key": "e", "operator": "DoesNotExist"}]}})"),
            "a notin (z),b=1,c in (x,y),d,!e");
  EXPECT_EQ(selector_cell("ReplicaSet", R"({"selector": {"matchExpressions": [{"key": "d", "operator": "Exists"}]}})"),
            "d");
  EXPECT_EQ(selector_cell("DaemonSet", R"({"selector": {}})"), "<none>");
  EXPECT_EQ(selector_cell("Job", "{}"), "batch.kubernetes.io/controller-uid=u-1");
  EXPECT_EQ(selector_cell("Job", R"({"selector": {"matchLabels": {"own": "1"}}})"), "own=1");
  EXPECT_EQ(selector_cell("CronJob", "{}"), "<none>");
  EXPECT_EQ(selector_cell("ReplicationController", R"({"selector": {"app": "web"}})"), "app=web");
}

TEST(Kinds, Selectors) {
  const Json object = Json::parse(R"({"metadata": {"labels": {"app": "web", "tier": "front"}}})");
  for (const char* text : {"", "app=web", "app==web", "app=web,tier!=back", "tier", "!track", "app!=api",
                           "tier in (back, front)", "tier notin (back),app", "track notin (a)"})
    EXPECT_EQ(selected(object, text), true) << text;
  for (const char* text : {"app=api", "app=web,tier=back", "track", "!app", "tier in (a,b)", "tier notin (front)"})
    EXPECT_EQ(selected(object, text), false) << text;
  for (const char* bad : {"=x", "a=(b", "a in b", "a=b/c", "a=b,,c", "!", "a b", "!=x"})
    EXPECT_FALSE(selected(object, bad)) << bad;
}

TEST(RolloutStatus, SaysHowFarItIs) {
  Json web =
      Json::parse(R"({"kind": "Deployment", "metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 3},
    "status": {"observedGeneration": 1}})");
  EXPECT_EQ(rollout_status(web, 0)->text, "Waiting for web spec update to be observed...");
  web["status"] = {{"observedGeneration", 2}, {"replicas", 4}, {"updatedReplicas", 2}, {"availableReplicas", 3}};
  EXPECT_EQ(rollout_status(web, 0)->text,
            "Waiting for deployment \"web\" rollout to finish: 2 out of 3 new replicas have been updated...");
  web["status"]["updatedReplicas"] = 3;
  EXPECT_EQ(rollout_status(web, 0)->text,
            "Waiting for deployment \"web\" rollout to finish: 1 old replicas are pending termination...");
  web["status"]["replicas"] = 3;
  EXPECT_TRUE(rollout_status(web, 0)->done);
  web["status"]["conditions"] =
      Json::parse(R"([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}])");
  EXPECT_EQ(rollout_status(web, 0).error().what, "deployment \"web\" exceeded its progress deadline");
  EXPECT_FALSE(rollout_status(Json::parse(R"({"kind": "Job", "metadata": {"name": "x"}})"), 0));
}

TEST(Kinds, ARolloutThatWaitsForAPersonHasNoStatus) {
  for (const char* kind : {"DaemonSet", "StatefulSet"}) {
    Json object = Json::parse(R"({"metadata": {"name": "log"}, "spec": {"updateStrategy": {"type": "OnDelete"}},
      "status": {"desiredNumberScheduled": 1, "updatedNumberScheduled": 0}})");
    object["kind"] = kind;
    const auto status = rollout_status(object, 0);
    ASSERT_FALSE(status) << kind << ": " << status->text;
    EXPECT_EQ(status.error().what, "rollout status is only available for RollingUpdate strategy type");
  }
}

}  // namespace
}  // namespace mete::agent::cli
