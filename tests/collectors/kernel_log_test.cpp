// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/kernel_log.h"

#include <gtest/gtest.h>

namespace mete::collectors {
namespace {

TEST(KernelLog, OnlyTheKernelsOwnRecordsAreBelieved) {
  EXPECT_EQ(kernel_message("6,1234,567890,-;hello\n SUBSYSTEM=x\n"), "hello");
  EXPECT_FALSE(kernel_message("14,1,2,-;Out of memory: Killed process 1 (init) total-vm:1kB"))
      << "facility 1: a user's";
  EXPECT_FALSE(kernel_message("no record"));
  EXPECT_FALSE(kernel_message(""));
}

TEST(KernelLog, ReadsWhoWasChosen) {
  const auto choice = parse_oom_choice(
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/mete/"
      "default_oom,task_memcg=/mete/default_oom/main,"
      "task=hog,pid=4321,uid=0");
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->pid, 4321);
  EXPECT_EQ(choice->oom_memcg, "/mete/default_oom");
  EXPECT_EQ(choice->task_memcg, "/mete/default_oom/main");
  EXPECT_EQ(choice->task, "hog");
  const auto global = parse_oom_choice(
      "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/"
      "a,task=x,pid=7,uid=0");
  ASSERT_TRUE(global);
  EXPECT_EQ(global->oom_memcg, "");
  for (const char* bad : {"", "oom-kill:", "oom-kill:pid=", "oom-kill:pid=x", "something oom-kill:pid=3"})
    EXPECT_FALSE(parse_oom_choice(bad)) << bad;
}

TEST(KernelLog, ReadsWhoWasKilled) {
  const auto kill = parse_oom_kill(
      "Memory cgroup out of memory: Killed process 77 (my (odd) name) total-vm:205000kB, anon-rss:102400kB, "
      "file-rss:4kB, shmem-rss:0kB, UID:0");
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->pid, 77);
  EXPECT_EQ(kill->task, "my (odd) name");
  EXPECT_EQ(kill->anon_rss, Bytes(102400 * 1024));
  EXPECT_TRUE(kill->of_cgroup);
  EXPECT_FALSE(parse_oom_kill("Out of memory: Killed process 7 (x) total-vm:1kB, anon-rss:2kB")->of_cgroup);
  for (const char* bad : {"", "Killed process 7 (x) total-vm:1kB", "Out of memory: Killed process x",
                          "Memory cgroup out of memory: Killed process 7 x"}) {
    EXPECT_FALSE(parse_oom_kill(bad)) << bad;
  }
}

}  // namespace
}  // namespace mete::collectors
