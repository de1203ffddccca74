// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/pod_choice.h"

#include <gtest/gtest.h>

namespace mete::agent::cli {
namespace {

struct Known {
  const char* name;
  const char* phase = "Running";
  const char* ready_since = "2026-11-29T10:00:00Z";  // empty: it is not ready
  int restarts = 0;
  const char* created = "2026-11-29T09:00:00Z";
  const char* node = "here";
};

Json pod_of(const Known& known) {
  Json pod = {{"metadata", {{"name", known.name}, {"creationTimestamp", known.created}}},
              {"spec", {{"nodeName", known.node}}},
              {"status", {{"phase", known.phase}, {"containerStatuses", {{{"restartCount", known.restarts}}}}}}};
  const bool ready = *known.ready_since != '\0';
  pod["status"]["conditions"] = {{{"type", "Ready"},
                                  {"status", ready ? "True" : "False"},
                                  {"lastTransitionTime", ready ? known.ready_since : "2026-11-29T08:00:00Z"}}};
  return pod;
}

std::string best(std::initializer_list<Known> all, PodUse use) {
  std::vector<Json> pods;
  for (const auto& each : all) pods.push_back(pod_of(each));
  const Json* const found = best_pod(pods, use);
  return found == nullptr ? "" : text_at(*found, {"metadata", "name"});
}

TEST(PodChoice, TheOneThatRunsAndIsReadyForTheLongest) {
  for (const PodUse use : {PodUse::kLogs, PodUse::kExec}) {
    EXPECT_EQ(best({{"a", "Pending", ""}, {"b"}}, use), "b");
    EXPECT_EQ(best({{"a", "Running", ""}, {"b"}}, use), "b");
    EXPECT_EQ(best({{"a", "Running", "2026-11-29T10:00:01Z"}, {"b"}}, use), "b");
    EXPECT_EQ(best({{.name = "a", .created = "2026-11-29T09:00:01Z"}, {"b"}}, use), "b");
    EXPECT_EQ(best({{.name = "a", .node = ""}, {"b"}}, use), "b") << "one that no node has yet";
    EXPECT_EQ(best({}, use), "");
  }
}

TEST(PodChoice, ForLogsTheOneThatWasStartedMostOftenForACommandTheOther) {
  const std::initializer_list<Known> both = {{.name = "calm"}, {.name = "restless", .restarts = 4}};
  EXPECT_EQ(best(both, PodUse::kLogs), "restless");
  EXPECT_EQ(best(both, PodUse::kExec), "calm");
}

TEST(PodChoice, WhatSelectsPods) {
  EXPECT_EQ(pod_selector_of(Json::parse(R"({"spec": {"selector": {"app": "web", "tier": "a"}}})")), "app=web,tier=a")
      << "a Service's";
  EXPECT_EQ(pod_selector_of(Json::parse(
                R"({"spec": {"selector": {"matchLabels": {"app": "web"}, "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["x", "y"]}, {"key": "b", "operator": "NotIn", "values": ["z"]},
                    {"key": "c", "operator": "Exists"}, {"key": "d", "operator": "DoesNotExist"}]}}})")),
            "app=web,a in (x,y),b notin (z),c,!d");
  EXPECT_EQ(pod_selector_of(Json::parse(R"({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})")), "a=b");
  EXPECT_EQ(pod_selector_of(Json::parse(R"({"spec": {}})")), "");
}

}  // namespace
}  // namespace mete::agent::cli
