// SPDX-License-Identifier: Apache-2.0
// Stages that are built side by side: their order, their lines, their shared caches.
#include <gtest/gtest.h>

#include <thread>

#include "runtime/build/cache_mounts.h"
#include "runtime/build/key_turns.h"
#include "runtime/build/stage_order.h"
#include "runtime/build/stage_output.h"

namespace mete::testing {
namespace {

using namespace runtime::build;

Stages stages_with(const std::vector<std::vector<std::size_t>>& needs) {
  Stages stages;
  for (const auto& each : needs) {
    Stage stage;
    stage.index = stages.all.size();
    stage.needs = each;
    stage.body.resize(2);
    stages.all.push_back(std::move(stage));
  }
  return stages;
}

TEST(StageOrder, BeginsWhatNeedsNothingThatIsNotDone) {
  const Stages stages = stages_with({{}, {}, {0}, {1, 2}});
  StageOrder order(stages, {0, 1, 2, 3});
  EXPECT_TRUE(order.side_by_side());
  EXPECT_EQ(order.begin(), 0U);
  EXPECT_EQ(order.begin(), 1U);
  EXPECT_EQ(order.begin(), std::nullopt);
  order.done(1);
  EXPECT_EQ(order.begin(), std::nullopt);
  order.done(0);
  EXPECT_EQ(order.begin(), 2U);
  EXPECT_FALSE(order.all_begun());
  order.done(2);
  EXPECT_EQ(order.begin(), 3U);
  EXPECT_TRUE(order.all_begun());
  EXPECT_EQ(order.begin(), std::nullopt);
}

TEST(StageOrder, AChainIsOneAfterAnother) {
  const Stages stages = stages_with({{}, {0}, {}, {1}});
  EXPECT_FALSE(StageOrder(stages, {0, 1, 3}).side_by_side());
  EXPECT_TRUE(StageOrder(stages, {0, 1, 2}).side_by_side());
  EXPECT_FALSE(StageOrder(stages, {0}).side_by_side());
}

TEST(StageOrder, BuildsOnThroughOthersToo) {
  const Stages stages = stages_with({{}, {0}, {}, {1}});
  EXPECT_TRUE(builds_on(stages, 3, 0));
  EXPECT_TRUE(builds_on(stages, 3, 1));
  EXPECT_FALSE(builds_on(stages, 3, 2));
  EXPECT_FALSE(builds_on(stages, 0, 3));
  EXPECT_FALSE(builds_on(stages, 1, 1));
}

TEST(StageOrder, StepsAreCountedInTheOrderOfTheFile) {
  const Stages stages = stages_with({{}, {}, {0}});
  EXPECT_EQ(steps_before(stages, {0, 2}, 2), 3U);
  EXPECT_EQ(steps_before(stages, {0, 1, 2}, 2), 6U);
  EXPECT_EQ(steps_before(stages, {0, 1, 2}, std::nullopt), 9U);
}

TEST(StageOutput, SaysWholeLinesWithTheStagesName) {
  std::string all;
  const StageOutput::OnText out = [&](std::string_view text) { all += text; };
  std::mutex mutex;
  {
    StageOutput one(out, mutex, "one");
    StageOutput two(out, mutex, "two");
    one.say("Step 1/2 : RUN a\nhal");
    two.say("x\n\ny\n");
    one.say("f a line\n");
    EXPECT_EQ(all, "[one] Step 1/2 : RUN a\n[two] x\n[two] \n[two] y\n[one] half a line\n");
    two.say("no end");
  }
  EXPECT_TRUE(all.ends_with("[two] no end\n")) << all;
  StageOutput alone(out, mutex, "");
  alone.say("as it ");
  EXPECT_TRUE(all.ends_with("as it ")) << all;
}

TEST(StageOutput, ALineWithoutEndIsShownInParts) {
  std::string all;
  const StageOutput::OnText out = [&](std::string_view text) { all += text; };
  std::mutex mutex;
  StageOutput output(out, mutex, "a");
  for (int i = 0; i < 100; ++i) output.say(std::string(1000, 'x'));
  EXPECT_GT(all.size(), 60'000U);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1);
}

TEST(CacheMounts, OneCacheHasTheStrictestSharing) {
  const auto mount = [](const std::string& id, CacheSharing sharing) {
    RunMount made;
    made.kind = RunMountKind::kCache;
    made.id = id;
    made.sharing = sharing;
    return made;
  };
  RunMount bind;
  bind.kind = RunMountKind::kBind;
  const auto caches = caches_of({mount("b", CacheSharing::kShared), bind, mount("a", CacheSharing::kLocked),
                                 mount("b", CacheSharing::kPrivate), mount("a", CacheSharing::kShared)});
  ASSERT_EQ(caches.size(), 2U);
  EXPECT_EQ(caches.begin()->first, "a");  // the order in which all RUN lock them
  EXPECT_EQ(caches.at("a").sharing, CacheSharing::kLocked);
  EXPECT_EQ(caches.at("b").sharing, CacheSharing::kPrivate);
}

TEST(KeyTurns, OneKeyIsOneAfterAnother) {
  KeyTurns turns;
  int inside = 0;
  int most = 0;
  std::mutex mutex;
  const auto work = [&] {
    const KeyTurns::Turn turn(turns, "key");
    {
      const std::lock_guard lock(mutex);
      most = std::max(most, ++inside);
    }
    std::this_thread::yield();
    const std::lock_guard lock(mutex);
    --inside;
  };
  {
    const KeyTurns::Turn other(turns, "other");
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back(work);
    for (auto& each : threads) each.join();
  }
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace mete::testing
