// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/wish.h"

#include <gtest/gtest.h>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {
namespace {

bool granted(const char* wish, const Json& object) {
  const auto parsed = parse_wish(wish);
  EXPECT_TRUE(parsed) << wish;
  return parsed && is_granted(*parsed, object);
}

Json job(const char* type, const char* status) {
  return {{"metadata", {{"name", "sum"}}},
          {"status", {{"succeeded", 3}, {"conditions", {{{"type", type}, {"status", status}}}}}}};
}

TEST(Wish, AConditionIsFoundWhateverItsCase) {
  EXPECT_TRUE(granted("condition=complete", job("Complete", "True")));
  EXPECT_FALSE(granted("condition=complete", job("Complete", "False")));
  EXPECT_TRUE(granted("condition=Complete=false", job("Complete", "False")));
  EXPECT_FALSE(granted("condition=failed", job("Complete", "True")));
  EXPECT_FALSE(granted("condition=complete", Json()));
}

TEST(Wish, AConditionOfAnEarlierGenerationSaysNothing) {
  Json object = job("Available", "True");
  object["metadata"]["generation"] = 2;
  object["status"]["observedGeneration"] = 1;
  EXPECT_FALSE(granted("condition=available", object));
  object["status"]["conditions"][0]["observedGeneration"] = 2;
  EXPECT_TRUE(granted("condition=available", object)) << "the condition's own counts before";
  object["status"]["conditions"][0].erase("observedGeneration");
  object["status"]["observedGeneration"] = 2;
  EXPECT_TRUE(granted("condition=available", object));
}

TEST(Wish, CreateAndDeleteAskWhetherItIsThere) {
  EXPECT_TRUE(granted("create", job("a", "b")));
  EXPECT_FALSE(granted("create", Json()));
  EXPECT_TRUE(granted("delete", Json()));
  EXPECT_FALSE(granted("delete", job("a", "b")));
}

TEST(Wish, APathHasTheValueOrAny) {
  const Json object = job("a", "b");
  EXPECT_TRUE(granted("jsonpath={.status.succeeded}=3", object));
  EXPECT_FALSE(granted("jsonpath={.status.succeeded}=2", object));
  EXPECT_TRUE(granted("jsonpath={.status.succeeded}", object));
  EXPECT_FALSE(granted("jsonpath={.status.failed}", object));
}

TEST(Wish, WhatIsNoneIsAnError) {
  for (const char* wrong : {"nothing", "", "jsonpath=.status", "deleted"}) EXPECT_FALSE(parse_wish(wrong)) << wrong;
}

}  // namespace
}  // namespace mete::agent::cli
