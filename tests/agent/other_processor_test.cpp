// SPDX-License-Identifier: Apache-2.0
#include "agent/base/other_processor.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>

namespace mete::agent {
namespace {

::cpu_set_t processors_of(pid_t thread) {
  ::cpu_set_t all;
  CPU_ZERO(&all);
  EXPECT_EQ(::sched_getaffinity(thread, sizeof all, &all), 0);
  return all;
}

// A thread that takes all back when it is told to, and says so.
class Sleeper {
 public:
  explicit Sleeper(OtherProcessor& processor) : thread_([this, &processor] { run(processor); }) { said_.acquire(); }
  ~Sleeper() {
    ends_ = true;
    told_.release();
    thread_.join();
  }
  void wake() {
    told_.release();
    said_.acquire();
  }
  [[nodiscard]] pid_t id() const { return id_; }

 private:
  void run(OtherProcessor& processor) {
    id_ = ::gettid();
    do {
      processor.take_all();
      said_.release();
      told_.acquire();
    } while (!ends_);
  }
  pid_t id_ = 0;
  bool ends_ = false;
  std::binary_semaphore told_{0};
  std::binary_semaphore said_{0};
  std::thread thread_;
};

TEST(OtherProcessor, TheSleeperIsKeptFromTheWakersAndTakesItBack) {
  const auto before = processors_of(0);
  OtherProcessor processor;
  Sleeper sleeper(processor);
  // The waker stays where it is, so that the test knows which processor is its own.
  const auto mine = static_cast<unsigned>(::sched_getcpu());
  ::cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(mine, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  processor.leave_mine();
  const auto pinned = processors_of(sleeper.id());
  EXPECT_TRUE(CPU_EQUAL(&pinned, &before)) << "a waker that has one processor has no other to offer";
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) == 1) return;  // and so has a machine with one
  processor.leave_mine();
  const auto left = processors_of(sleeper.id());
  EXPECT_EQ(CPU_COUNT(&left), CPU_COUNT(&before) - 1);
  sleeper.wake();
  const auto after = processors_of(sleeper.id());
  EXPECT_TRUE(CPU_EQUAL(&after, &before));
}

TEST(OtherProcessor, AThreadThatHasNotRunIsLeftAlone) {
  OtherProcessor processor;
  processor.leave_mine();  // no thread to be found
  processor.take_all();
  const auto before = processors_of(0);
  processor.take_all();
  const auto after = processors_of(0);
  EXPECT_TRUE(CPU_EQUAL(&after, &before));
}

}  // namespace
}  // namespace mete::agent
