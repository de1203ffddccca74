// SPDX-License-Identifier: Apache-2.0
#include "agent/base/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <thread>

namespace mete::agent {
namespace {

TEST(Workers, WorkIsDoneOnAThreadAndToldOnTheLoop) {
  asio::io_context loop;
  Workers workers(loop, 2);
  std::thread::id worked;
  std::thread::id told;
  auto keep = asio::make_work_guard(loop);
  workers.run([&] { worked = std::this_thread::get_id(); },
              [&] {
                told = std::this_thread::get_id();
                keep.reset();
              });
  loop.run();
  EXPECT_EQ(told, std::this_thread::get_id());
  EXPECT_NE(worked, told);
  EXPECT_NE(worked, std::thread::id());
}

// How many of ten pieces are done when the object goes while the first is under way.
int done_at_end(Workers::AtEnd at_end) {
  asio::io_context loop;
  std::atomic<int> done = 0;
  std::optional<Workers> workers;
  workers.emplace(loop, 1, at_end);
  std::promise<void> begun;
  std::promise<void> go_on;
  workers->run(
      [&] {
        begun.set_value();
        go_on.get_future().wait();
        ++done;
      },
      [] {});
  for (int i = 0; i < 9; ++i) workers->run([&] { ++done; }, [] {});
  begun.get_future().wait();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    go_on.set_value();
  });
  workers.reset();
  later.join();
  return done;
}

TEST(Workers, WhatHasBegunIsFinishedAndTheRestAsAskedFor) {
  EXPECT_EQ(done_at_end(Workers::AtEnd::kFinish), 10);
  EXPECT_EQ(done_at_end(Workers::AtEnd::kDrop), 1);
}

}  // namespace
}  // namespace mete::agent
