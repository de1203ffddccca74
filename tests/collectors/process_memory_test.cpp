// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/process_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "collectors/usage_history.h"

namespace mete::collectors {
namespace {

using namespace std::chrono_literals;

TEST(ProcessMemory, ReadsStatus) {
  ProcessMemory process;
  EXPECT_TRUE(
      parse_process_status("Name:\tdd\nUmask:\t0022\nVmRSS:\t    2048 kB\nRssAnon:\t1024 kB\nRssFile:\t 512 "
                           "kB\nRssShmem:\t512 kB\nVmPTE:\t8 kB\nVmSwap:\t4 kB\nThreads:\t1\n",
                           process));
  EXPECT_EQ(process.command, "[dd]");
  EXPECT_EQ(process.rss, Bytes(2048 << 10));
  EXPECT_EQ(process.anon, Bytes(1024 << 10));
  EXPECT_EQ(process.file, Bytes(512 << 10));
  EXPECT_EQ(process.shmem, Bytes(512 << 10));
  EXPECT_EQ(process.swap, Bytes(4 << 10));
  EXPECT_EQ(process.page_tables, Bytes(8 << 10));
  EXPECT_FALSE(parse_process_status("", process));
  EXPECT_FALSE(parse_process_status("VmRSS: x kB\n", process));
}

TEST(ProcessMemory, ACommandIsOneBoundedLine) {
  EXPECT_EQ(command_line_of(std::string_view("sh\0-c\0true\0", 11)), "sh -c true");
  EXPECT_EQ(command_line_of(std::string(1000, 'x')).size(), 256U);
  EXPECT_EQ(command_line_of(""), "");
}

TEST(ProcessMemory, TheLargestComeFirstAndTheGoneAreLeftOut) {
  const std::vector<pid_t> pids = {1, ::getpid(), 1 << 30, ::getppid()};
  const auto two = read_processes(pids, 2);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_GE(two[0].rss, two[1].rss);
  EXPECT_FALSE(two[0].command.empty());
  EXPECT_EQ(read_processes(pids, 10).size(), 3U);
}

TEST(UsageHistory, KeepsAMinuteAndMergesWhatStaysTheSame) {
  UsageHistory history;
  const UsageHistory::Moment start(1h);
  for (int i = 0; i < 1000; ++i) history.see(start + i * 10ms, Bytes(5));
  EXPECT_EQ(history.points().size(), 2U);
  EXPECT_EQ(history.points().back().at, start + 9990ms);
  history.see(start + 20s, Bytes(7));
  history.see(start + 90s, Bytes(8));
  EXPECT_EQ(history.points().front().at, start + 20s) << "the last point before the minute stays";
  for (int i = 0; i < 6000; ++i) history.see(start + 100s + i * 10ms, Bytes(i));
  EXPECT_LE(history.points().size(), UsageHistory::kMostPoints);
  EXPECT_EQ(history.points().back().usage, Bytes(5999));
  const auto& points = history.points();
  for (std::size_t i = 1; i < points.size(); ++i) ASSERT_LT(points[i - 1].at, points[i].at);
}

}  // namespace
}  // namespace mete::collectors
