// SPDX-License-Identifier: Apache-2.0
// The pure parts behind docker's clients: networks of a container, healthchecks, the words of builds, lines of
// children.
#include <gtest/gtest.h>

#include "agent/docker/container/health.h"
#include "agent/docker/endpoints.h"
#include "agent/docker/images/build_request.h"
#include "agent/docker/streams/child_command.h"

namespace mete::agent::docker {
namespace {

using Words = std::vector<std::string>;
using std::chrono::seconds;

ContainerRecord in_networks(const char* mode, const char* endpoints) {
  ContainerRecord record;
  record.id = std::string(64, 'a');
  record.name = "web";
  record.host_config = {{"NetworkMode", mode}};
  record.endpoints = Json::parse(endpoints);
  return record;
}

TEST(DockerEndpoints, TheModeNamesTheOwnNetworkAndTheRestAreFurtherOnes) {
  const auto record = in_networks("front", R"({"front":{"Aliases":["w"]},"back":{"Aliases":["w","api"]}})");
  EXPECT_EQ(own_network(record), "front");
  EXPECT_EQ(further_networks(record), Words{"back"});
  EXPECT_EQ(aliases_of(record), (Words{"web", std::string(12, 'a'), "w", "api"}));
  EXPECT_EQ(own_network(in_networks("default", "null")), "bridge");
  EXPECT_TRUE(further_networks(in_networks("default", R"({"default":{}})")).empty());
  EXPECT_TRUE(further_networks(in_networks("host", R"({"back":{}})")).empty());
  EXPECT_TRUE(further_networks(in_networks("container:x", R"({"back":{}})")).empty());
}

TEST(DockerEndpoints, ConnectAndDisconnect) {
  const auto record = in_networks("front", R"({"front":{}})");
  const auto both = connected(record, "back", {{"Aliases", {"db"}}});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->mode, "front");
  EXPECT_EQ(both->endpoints, Json::parse(R"({"front":{},"back":{"Aliases":["db"]}})"));
  EXPECT_FALSE(connected(record, "front", {}));
  EXPECT_FALSE(connected(in_networks("host", "{}"), "back", {}));
  EXPECT_FALSE(disconnected(record, "back"));
  EXPECT_EQ(disconnected(record, "front")->mode, "none");
  ContainerRecord left = record;
  EXPECT_FALSE(has_left_all(left));
  left.host_config["NetworkMode"] = "none";
  left.endpoints = disconnected(record, "front")->endpoints;
  EXPECT_TRUE(has_left_all(left));
  left.endpoints = Json();
  EXPECT_FALSE(has_left_all(left)) << "--network none";
  EXPECT_EQ(disconnected(in_networks("front", R"({"front":{},"back":{}})"), "front")->mode, "back");
  // As docker-compose 1.29 does it: out of its only network, and in again by other names.
  const auto again = connected(in_networks("none", "{}"), "front", {{"Aliases", {"x"}}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->mode, "front");
}

HealthPlan plan_with(int retries, seconds start_period) {
  HealthPlan plan;
  plan.retries = retries;
  plan.interval = seconds(30);
  plan.start_period = start_period;
  plan.start_interval = seconds(5);
  return plan;
}

ProbeAnswer answered(int code) {
  ProbeAnswer answer;
  answer.exit_code = code;
  return answer;
}

TEST(DockerHealth, RetriesInARowAndOneSuccess) {
  const auto plan = plan_with(2, seconds(0));
  HealthState state;
  EXPECT_EQ(state.shown(), "health: starting");
  EXPECT_FALSE(state.add(answered(1), plan, seconds(1)));
  EXPECT_TRUE(state.add(answered(1), plan, seconds(2)));
  EXPECT_EQ(state.status, "unhealthy");
  EXPECT_TRUE(state.add(answered(0), plan, seconds(3)));
  EXPECT_EQ(state.shown(), "healthy");
  EXPECT_EQ(state.failing, 0);
  EXPECT_FALSE(state.add(answered(-1), plan, seconds(4)));
  for (int i = 0; i < 9; ++i) (void)state.add(answered(0), plan, seconds(5));
  EXPECT_EQ(state.log.size(), HealthState::kKept);
}

TEST(DockerHealth, WhatFailsInTheStartPeriodDoesNotCountUntilTheFirstSuccess) {
  const auto plan = plan_with(1, seconds(10));
  HealthState state;
  EXPECT_EQ(next_interval(state, plan, seconds(1)), seconds(5));
  EXPECT_FALSE(state.add(answered(1), plan, seconds(9)));
  EXPECT_EQ(state.failing, 0);
  EXPECT_EQ(next_interval(state, plan, seconds(10)), seconds(30));
  EXPECT_TRUE(state.add(answered(1), plan, seconds(10)));
  HealthState well;
  EXPECT_TRUE(well.add(answered(0), plan, seconds(1)));
  EXPECT_EQ(next_interval(well, plan, seconds(1)), seconds(30));
  EXPECT_TRUE(well.add(answered(1), plan, seconds(2)));
}

TEST(DockerHealth, OfTheClientAndOfTheImage) {
  const Json image = {{"Test", {"CMD-SHELL", "a"}}, {"Interval", 5'000'000'000}};
  EXPECT_EQ(*merged_healthcheck(Json(), image), image);
  EXPECT_TRUE(merged_healthcheck(Json(), Json())->is_null());
  const Json merged = *merged_healthcheck({{"Retries", 7}}, image);
  const auto plan = health_plan({{"Healthcheck", merged}});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->command, (Words{"/bin/sh", "-c", "a"}));
  EXPECT_EQ(plan->interval, seconds(5));
  EXPECT_EQ(plan->retries, 7);
  EXPECT_EQ(plan->timeout, seconds(30));
  EXPECT_FALSE(health_plan({{"Healthcheck", *merged_healthcheck({{"Test", {"NONE"}}}, image)}}));
  EXPECT_FALSE(merged_healthcheck({{"Test", {"CMD", "a"}}, {"Interval", 1}}, Json()));
  EXPECT_FALSE(merged_healthcheck({{"Test", {"WHAT", "a"}}}, Json()));
  EXPECT_FALSE(merged_healthcheck({{"Test", {"CMD"}}}, Json()));
}

TEST(DockerBuild, TheQueryAsWords) {
  HttpRequest request;
  const auto add = [&](const char* name, const char* value) { request.query.emplace(name, value); };
  add("t", "a:1");
  add("t", "b:2");
  add("dockerfile", "sub/Dockerfile");
  add("buildargs", R"({"A":"1 2","B":null})");
  add("labels", R"({"l":"v"})");
  add("nocache", "1");
  add("memory", "67108864");
  add("shmsize", "0");
  add("cachefrom", "[]");
  add("version", "1");
  EXPECT_EQ(*build_words(request), (Words{"--tag=a:1", "--tag=b:2", "--file=sub/Dockerfile", "--no-cache",
                                          "--build-arg=A=1 2", "--label=l=v", "--memory=67108864"}));
  add("remote", "https://example/x.git");
  EXPECT_FALSE(build_words(request));
}

// What is wrong is the builder, and none of its parameters.
TEST(DockerBuild, ClientsOfBuildKitAreToldWhatToDo) {
  HttpRequest request;
  for (const auto& [name, value] : {std::pair("buildid", "b"), std::pair("remote", "client-session"),
                                    std::pair("session", "s"), std::pair("version", "2")})
    request.query.emplace(name, value);
  const auto words = build_words(request);
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().what, kNoBuildKit);
  EXPECT_NE(words.error().what.find("DOCKER_BUILDKIT=0"), std::string::npos);
}

TEST(DockerChild, LinesAndErrors) {
  Lines lines;
  Words seen;
  const auto take = [&](const std::string& line) { seen.push_back(line); };
  lines.add("one\ntw", take);
  lines.add("o\nrest", take);
  EXPECT_EQ(seen, (Words{"one\n", "two\n"}));
  EXPECT_EQ(lines.rest(), "rest");
  EXPECT_EQ(Json::parse(error_line("mete: it failed\n", 1))["error"], "it failed");
  EXPECT_EQ(Json::parse(error_line("said before\nmete: it failed\n", 1))["errorDetail"]["message"], "it failed");
  EXPECT_NE(error_line("", -1).find("-1"), std::string::npos);
}

}  // namespace
}  // namespace mete::agent::docker
