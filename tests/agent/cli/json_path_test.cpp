// SPDX-License-Identifier: Apache-2.0
// The examples of kubectl's documentation in our own words, and what may not be.
#include "agent/cli/objects/json_path.h"

#include <gtest/gtest.h>

namespace mete::agent::cli {
namespace {

const JsonPath::Json kPods = JsonPath::Json::parse(R"({"kind": "List", "items": [
  {"kind": "Pod", "metadata": {"name": "web", "labels": {"app.io/name": "w"}},
   "spec": {"containers": [{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]},
   "status": {"phase": "Running", "restarts": 3, "ready": true}},
  {"kind": "Pod", "metadata": {"name": "db"}, "spec": {"containers": [{"name": "c", "image": "three"}]},
   "status": {"phase": "Pending", "restarts": 0, "ready": false}},
  {"kind": "Pod", "metadata": {"name": "job"}, "spec": {"containers": []},
   "status": {"phase": "Running", "restarts": 12}}]})");

std::string printed(const std::string& text) {
  const auto path = JsonPath::parse(text);
  return path ? path->fill(kPods) : "error: " + path.error().what;
}

TEST(JsonPath, Paths) {
  EXPECT_EQ(printed("{.kind}"), "List");
  EXPECT_EQ(printed("{$.kind}"), "List");
  EXPECT_EQ(printed("{.items[*].metadata.name}"), "web db job");
  EXPECT_EQ(printed("{.items[1].metadata['name']}"), "db");
  EXPECT_EQ(printed("{.items[0].metadata.labels.app\\.io/name}"), "w");
  EXPECT_EQ(printed("{.items[0].metadata.labels['app.io/name']}"), "w");
  EXPECT_EQ(printed("{.items[*]['metadata.name', 'kind']}"), "Pod Pod Pod");
  EXPECT_EQ(printed("{..image}"), "one two three");
  EXPECT_EQ(printed("{.items[0]..name}"), "web a b");
  EXPECT_EQ(printed("{.items[0].status.*}"), "Running 3 true");
  EXPECT_EQ(printed("{.items[1].status}"), R"({"phase":"Pending","restarts":0,"ready":false})");
  EXPECT_EQ(printed("{.nothing.at.all}{.items[7].kind}{.kind.below}"), "");
}

TEST(JsonPath, Slices) {
  EXPECT_EQ(printed("{.items[0,2].metadata.name}"), "web job");
  EXPECT_EQ(printed("{.items[-1].metadata.name}"), "job");
  EXPECT_EQ(printed("{.items[-2:].metadata.name}"), "db job");
  EXPECT_EQ(printed("{.items[:1].metadata.name}"), "web");
  EXPECT_EQ(printed("{.items[::2].metadata.name}"), "web job");
  EXPECT_EQ(printed("{.items[5:9].metadata.name}"), "");
}

TEST(JsonPath, Filters) {
  EXPECT_EQ(printed(R"({.items[?(@.status.phase=="Running")].metadata.name})"), "web job");
  EXPECT_EQ(printed("{.items[?(@.status.phase!='Running')].metadata.name}"), "db");
  EXPECT_EQ(printed("{.items[?(@.status.restarts>2)].metadata.name}"), "web job");
  EXPECT_EQ(printed("{.items[?(@.status.restarts <= 3)].metadata.name}"), "web db");
  EXPECT_EQ(printed("{.items[?(@.status.ready==true)].metadata.name}"), "web");
  EXPECT_EQ(printed("{.items[?(@.status.ready)].metadata.name}"), "web db");
  EXPECT_EQ(printed("{.items[?(@.kind==$.kind)].metadata.name}"), "");
}

TEST(JsonPath, Templates) {
  EXPECT_EQ(printed("pods: {range .items[*]}{.metadata.name}{\"\\t\"}{.status.phase}{'\\n'}{end}done"),
            "pods: web\tRunning\ndb\tPending\njob\tRunning\ndone");
  EXPECT_EQ(printed("{range .items[*]}{range .spec.containers[*]}{.name},{end};{end}"), "a,b,;c,;;");
  EXPECT_EQ(printed("{range .items[*]}{$.kind} {end}"), "List List List ");
  EXPECT_EQ(printed("no braces"), "no braces");
}

TEST(JsonPath, ErrorsNameThePlace) {
  const std::pair<const char*, const char*> wrong[] = {
      {"{.items[}", "character 9"},     {"{.items", "found the end, expected \"}\""},
      {"{range .items[*]}x", "{end}"},  {"{end}", "{range ...}"},
      {"{items}", "found \"items}\""},  {"{.a[?(@.b==)]}", "expected @"},
      {"{.a['b]}", "expected a quote"}, {"{.a[::0]}", "step 0"},
      {"{\"x}", "expected a quote"},    {"{.a[?(@.b==\"c\"]}", "\")]\""},
      {"{.a[b]}", "a name in quotes"}};
  for (const auto& [text, expected] : wrong) {
    const std::string got = printed(text);
    EXPECT_TRUE(got.starts_with("error: ") && got.find(expected) != std::string::npos) << text << ": " << got;
  }
}

}  // namespace
}  // namespace mete::agent::cli
