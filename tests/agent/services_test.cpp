// SPDX-License-Identifier: Apache-2.0
#include "agent/services.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

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
  gate.leave(loop);
  loop.run();
  EXPECT_EQ(launched, 3);
}

}  // namespace
}  // namespace mete::agent
