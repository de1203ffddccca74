// SPDX-License-Identifier: Apache-2.0
#include "agent/base/services.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "agent/enforcement/idle_cpu.h"
#include "agent/self/start_burst.h"

namespace mete::agent {
namespace {

TEST(Turns, EachHasItsTurnInOrderBehindWhatTheLoopHas) {
  asio::io_context loop;
  Turns turns(loop);
  std::vector<int> done;
  turns.add([&] {
    done.push_back(1);
    turns.add([&] { done.push_back(4); });
  });
  turns.add([&] { done.push_back(3); });
  asio::post(loop, [&] { done.push_back(2); });
  loop.run();
  EXPECT_EQ(done, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Turns, OneThatThrowsDoesNotStopTheOthers) {
  asio::io_context loop;
  Turns turns(loop);
  int done = 0;
  turns.add([] { throw std::runtime_error("of a library"); });
  turns.add([&] { ++done; });
  EXPECT_THROW(loop.run(), std::runtime_error);
  turns.add([&] { ++done; });
  loop.run();
  EXPECT_EQ(done, 2);
}

TEST(LaunchGate, LetsSoManyInAtOnce) {
  asio::io_context loop;
  LaunchGate gate(2);
  int launched = 0;
  for (int i = 0; i < 4; ++i) gate.enter([&] { ++launched; });
  EXPECT_EQ(launched, 2);
  EXPECT_EQ(gate.begun(), 2U);
  gate.leave(loop);
  loop.run();
  EXPECT_EQ(launched, 3);
  EXPECT_EQ(gate.begun(), 3U) << "one that has waited, too";
}

TEST(StartBurst, IsOverOnceNothingStartsAnyMore) {
  StartBurst burst;
  EXPECT_FALSE(burst.is_over(0));
  EXPECT_FALSE(burst.is_over(20));
  EXPECT_FALSE(burst.is_over(StartBurst::kFewest)) << "more have started";
  EXPECT_TRUE(burst.is_over(StartBurst::kFewest));
  EXPECT_FALSE(burst.is_over(StartBurst::kFewest)) << "told once";
  EXPECT_FALSE(burst.is_over(StartBurst::kFewest + 5));
  EXPECT_FALSE(burst.is_over(StartBurst::kFewest + 5)) << "a few are no burst";
  EXPECT_FALSE(burst.is_over(2 * StartBurst::kFewest + 4));
  EXPECT_FALSE(burst.is_over(2 * StartBurst::kFewest + 4)) << "nor do several few make one";
}

}  // namespace
TEST(IdleCpu, TheFirstLineOfProcStat) {
  const auto times = parse_cpu_times("cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 10 1 5 100 20 2 3 4 7 0\n");
  ASSERT_TRUE(times);
  EXPECT_EQ(times->idle, 120U) << "idle, and waiting for a disk";
  EXPECT_EQ(times->all, 145U) << "guests are in user time already";
  EXPECT_FALSE(parse_cpu_times(""));
  EXPECT_FALSE(parse_cpu_times("cpu 1 2 3\n"));
  EXPECT_FALSE(parse_cpu_times("intr 1 2 3 4 5 6 7 8\n"));
}

}  // namespace mete::agent
