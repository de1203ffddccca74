// SPDX-License-Identifier: Apache-2.0
#include "collectors/due_queue.h"

#include <gtest/gtest.h>

namespace {

using mete::collectors::DueQueue;
using namespace std::chrono_literals;
using Time = DueQueue::Clock::time_point;

TEST(DueQueue, TheEarliestComesFirstAndNoneBeforeItsTime) {
  DueQueue queue;
  EXPECT_FALSE(queue.first());
  EXPECT_FALSE(queue.take(Time(1h)));
  queue.add(Time(30s), "c");
  queue.add(Time(10s), "a");
  queue.add(Time(20s), "b");
  EXPECT_EQ(queue.first(), Time(10s));
  EXPECT_FALSE(queue.take(Time(10s - 1ns)));
  EXPECT_EQ(queue.take(Time(10s)), "a");
  EXPECT_FALSE(queue.take(Time(10s)));
  EXPECT_EQ(queue.take(Time(1h)), "b");
  EXPECT_EQ(queue.first(), Time(30s));
  EXPECT_EQ(queue.take(Time(1h)), "c");
  EXPECT_FALSE(queue.first());
}

TEST(DueQueue, ANameMayWaitTwice) {
  DueQueue queue;
  queue.add(Time(10s), "a");
  queue.add(Time(20s), "a");
  EXPECT_EQ(queue.take(Time(15s)), "a");
  EXPECT_FALSE(queue.take(Time(15s)));
  EXPECT_EQ(queue.first(), Time(20s));
}

}  // namespace
