// SPDX-License-Identifier: Apache-2.0
// Real processes of this test's own, seen through the real /proc.
#include "collectors/kernel/process_walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "runtime/fd.h"

namespace mete::collectors {
namespace {

using Clock = ProcessWalk::Clock;

// A child that sleeps with these files open besides its three, until it is killed.
class Sleeper {
 public:
  explicit Sleeper(int sockets = 0) {
    int ready[2];  // NOLINT
    EXPECT_EQ(::pipe(ready), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (int fd = 3; fd < 256; ++fd) {
        if (fd != ready[1]) ::close(fd);
      }
      for (int i = 0; i < sockets; ++i) (void)::socket(AF_UNIX, SOCK_STREAM, 0);
      (void)!::write(ready[1], "x", 1);
      ::close(ready[1]);
      while (true) ::pause();
    }
    char byte = 0;
    ::close(ready[1]);
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(::read(ready[0], &byte, 1), 0) << "it has closed its end: all is set up";
    ::close(ready[0]);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { end(); }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] std::string line() const { return std::to_string(pid_) + "\n"; }

 private:
  pid_t pid_ = 0;
};

class ProcessWalkTest : public ::testing::Test {
 protected:
  ProcessWalkTest() : proc_(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  runtime::UniqueFd proc_;
};

const ProcessOptions kAll{.descriptors = true, .sockets = true, .tasks = true, .schedstat = true};

TEST_F(ProcessWalkTest, SumsOverAllProcesses) {
  const Sleeper one(2);
  const Sleeper two(1);
  ProcessWalk walk(kAll);
  Sample sample;
  EXPECT_GT(walk.run(proc_.get(), one.line() + two.line(), Clock::now(), sample), 10U);
  ASSERT_TRUE(sample.processes);
  EXPECT_EQ(sample.processes->sockets, 3U);
  EXPECT_EQ(sample.processes->descriptors, 9U) << "three each, and the sockets";
  // A child that has just written may still run for a moment.
  const auto& tasks = *sample.processes->tasks;
  EXPECT_EQ(tasks[0] + tasks[1] + tasks[3], 2U);
  EXPECT_TRUE(sample.processes->load);
  EXPECT_TRUE(sample.processes->open_files);
  EXPECT_GT(sample.processes->run_periods.value_or(0), 0U);
}

TEST_F(ProcessWalkTest, AVanishedProcessIsNoErrorAndItsTimeStays) {
  Sleeper one;
  const Sleeper two;
  ProcessWalk walk(kAll);
  Sample sample;
  const std::string both = one.line() + two.line();
  walk.run(proc_.get(), both, Clock::now(), sample);
  const auto periods = sample.processes->run_periods;
  const auto run = sample.processes->run;
  one.end();
  walk.run(proc_.get(), both, Clock::now(), sample);  // the list is older than the end
  EXPECT_EQ(sample.processes->descriptors, 3U);
  EXPECT_GE(sample.processes->run_periods.value_or(0), *periods);
  EXPECT_GE(sample.processes->run.value_or(std::chrono::nanoseconds(0)), *run)
      << "what the dead one ran is still in it";
  walk.run(proc_.get(), "", Clock::now(), sample);
  EXPECT_EQ(sample.processes->descriptors, 0U);
  EXPECT_GE(sample.processes->run.value_or(std::chrono::nanoseconds(0)), *run);
}

TEST_F(ProcessWalkTest, ManyAreSeenInPortions) {
  std::vector<std::unique_ptr<Sleeper>> sleepers;
  std::string pids;
  for (int i = 0; i < 10; ++i) {
    sleepers.push_back(std::make_unique<Sleeper>());
    pids += sleepers.back()->line();
  }
  ProcessOptions options;
  options.descriptors = true;
  options.most = 4;
  ProcessWalk walk(options);
  Sample sample;
  walk.run(proc_.get(), pids, Clock::now(), sample);
  EXPECT_FALSE(sample.processes) << "a part is not told for the whole";
  walk.run(proc_.get(), pids, Clock::now(), sample);
  EXPECT_FALSE(sample.processes);
  walk.run(proc_.get(), pids, Clock::now(), sample);
  ASSERT_TRUE(sample.processes);
  EXPECT_EQ(sample.processes->descriptors, 30U);
}

TEST_F(ProcessWalkTest, RubbishForPidsIsLeftOut) {
  ProcessWalk walk(kAll);
  Sample sample;
  walk.run(proc_.get(), "0\n-1\nx\n99999999999999999999\n4294967297\n", Clock::now(), sample);
  ASSERT_TRUE(sample.processes);
  EXPECT_EQ(sample.processes->descriptors, 0U);
}

}  // namespace
}  // namespace mete::collectors
