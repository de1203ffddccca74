// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/watchdog.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "runtime/file.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::shim {
namespace {

using namespace std::chrono_literals;

TEST(Watchdog, TextsAreReadBack) {
  Undo freeze;
  freeze.at = 123456789ns;
  freeze.writes = {{"/sys/fs/cgroup/x/cgroup.freeze", "0"}, {"/y", "a b"}};
  EXPECT_EQ(parse_undo(to_text(freeze)).value(), freeze);
  Undo oom;
  oom.memory_directory = "/sys/fs/cgroup/memory/x";
  oom.wait = 5s;
  oom.writes = {{"/z", "0"}};
  EXPECT_EQ(parse_undo(to_text(oom)).value(), oom);
  for (const char* wrong : {"", "at\n", "at x\n", "oom 5\n", "5\n", "at 5\nread /x y\n", "at 5\nwrite\n"})
    EXPECT_FALSE(parse_undo(wrong)) << wrong;
}

class WatchdogTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_.path() + "/" + name) << text;
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(AT_FDCWD, dir_.path() + "/" + name).value_or("none");
  }
  void freeze_until(std::chrono::nanoseconds at) const {
    Undo undo;
    undo.at = at;
    undo.writes = {{dir_.path() + "/cgroup.freeze", "0"}};
    write("watchdog.freeze", to_text(undo));
  }
  mete::testing::TempDir dir_;
};

TEST_F(WatchdogTest, UndoesAFreezeWhenItsTimeIsLongOver) {
  write("cgroup.freeze", "1");
  freeze_until(boot_time() - 2s);
  Watchdog watchdog(dir_.path());
  EXPECT_EQ(watchdog.timeout(), 0);
  watchdog.check();
  EXPECT_EQ(text("cgroup.freeze"), "0");
  EXPECT_EQ(text("watchdog.freeze"), "none") << "done once";
  EXPECT_EQ(watchdog.timeout(), -1);
}

TEST_F(WatchdogTest, LeavesItToTheAgentWhileThereIsTime) {
  write("cgroup.freeze", "1");
  freeze_until(boot_time());
  Watchdog watchdog(dir_.path());
  EXPECT_GT(watchdog.timeout(), 500);
  watchdog.check();
  EXPECT_EQ(text("cgroup.freeze"), "1");
}

TEST_F(WatchdogTest, IsToldByASignalThatHarmsNobodyElse) {
  write("cgroup.freeze", "1");
  Watchdog watchdog(dir_.path());
  EXPECT_EQ(watchdog.timeout(), -1);
  freeze_until(boot_time() - 2s);
  ::raise(kFilesChanged);
  pollfd wait{watchdog.files_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 1000), 1);
  watchdog.reload_files();
  EXPECT_EQ(watchdog.timeout(), 0);
  // The agent has done it in the last moment.
  ::unlink((dir_.path() + "/watchdog.freeze").c_str());
  watchdog.check();
  EXPECT_EQ(text("cgroup.freeze"), "1");
}

TEST_F(WatchdogTest, WhatIsNoUndoIsNotActedOn) {
  write("watchdog.freeze", "at soon\n");
  write("watchdog.oom", "oom /nowhere 5\n");
  Watchdog watchdog(dir_.path());
  EXPECT_EQ(watchdog.timeout(), -1);
  watchdog.check();
}

TEST_F(WatchdogTest, ANewHoldOfALivingAgentIsCountedFromItsBeginning) {
  write("memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 0\n");
  write("cgroup.event_control", "");
  Undo undo;
  undo.memory_directory = dir_.path();
  undo.wait = 10s;
  undo.writes = {{dir_.path() + "/memory.oom_control", "0"}};
  write("watchdog.oom", to_text(undo));
  Watchdog watchdog(dir_.path());
  ::usleep(50'000);
  const int left = watchdog.timeout();
  ASSERT_GT(left, 0);
  watchdog.reload_files();
  EXPECT_LE(watchdog.timeout(), left) << "nothing was signalled";
  ::raise(kFilesChanged);
  watchdog.reload_files();
  EXPECT_GT(watchdog.timeout(), left);
}

}  // namespace
}  // namespace mete::runtime::shim
