// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/overrides.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

using Texts = std::vector<std::string>;

TEST(Overrides, AManifestTakesBackWhatItSaysItself) {
  const Overrides said{.replicas = 6, .paused = true, .template_text = {}, .restarted_at = "2026-01-01T00:00:00Z"};
  const auto again = apply_again(said, R"({"spec": {"replicas": 4, "paused": false, "template": {}}})");
  EXPECT_EQ(again.left,
            (Overrides{.replicas = {}, .paused = {}, .template_text = {}, .restarted_at = said.restarted_at}));
  EXPECT_EQ(again.taken_back, (Texts{"replicas becomes 4, found 6 by `mete scale`",
                                     "its rollout goes on, which `mete rollout pause` holds"}));
}

TEST(Overrides, WhatItDoesNotSayStays) {
  const Overrides said{.replicas = 6, .paused = false, .template_text = {}, .restarted_at = {}};
  const auto again = apply_again(said, R"({"spec": {"template": {}}})");
  EXPECT_EQ(again.left, said);
  EXPECT_TRUE(again.taken_back.empty());
}

TEST(Overrides, WhatIsTheSameIsNotTold) {
  const Overrides said{.replicas = 4, .paused = true, .template_text = R"({"a": 1, "b": 2})", .restarted_at = {}};
  const auto again = apply_again(said, R"({"spec": {"replicas": 4, "paused": true, "template": {"b": 2, "a": 1}}})");
  EXPECT_EQ(again.left, Overrides{});
  EXPECT_TRUE(again.taken_back.empty());
}

TEST(Overrides, TheTemplateIsAlwaysTheManifests) {
  const Overrides said{.replicas = {}, .paused = {}, .template_text = R"({"a": 1})", .restarted_at = {}};
  const auto again = apply_again(said, R"({"spec": {"template": {"a": 2}}})");
  EXPECT_EQ(again.left, Overrides{});
  EXPECT_EQ(again.taken_back, Texts{"its template becomes the manifest's, found another one by `mete rollout undo`"});
  EXPECT_EQ(
      apply_again({.replicas = 2, .paused = {}, .template_text = {}, .restarted_at = {}}, "no JSON").left.replicas, 2);
}

}  // namespace
}  // namespace mete::agent
