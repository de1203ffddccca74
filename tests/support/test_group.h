// SPDX-License-Identifier: Apache-2.0
// A parent cgroup of one test program's own, removed with all that is in it, also when a test fails.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::test {

// "/mete-test-<pid>", or the start of it from METE_TEST_CGROUP.
inline std::string own_parent() {
  const char* start = std::getenv("METE_TEST_CGROUP");
  return std::string(start != nullptr ? start : "/mete-test") + "-" + std::to_string(::getpid());
}

// Kills and removes a group, waiting until the kernel lets go of it.
inline void clear(const runtime::cgroup::Group& group) {
  (void)group.thaw();
  for (int attempt = 0; attempt < 500; ++attempt) {
    (void)group.kill_all();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (group.remove()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << group.path() << " could not be removed";
}

// Removes parents that a killed test program has left: those whose number is not that of a living process.
inline void clear_leftovers(const runtime::cgroup::Hierarchies& hierarchies) {
  const std::string own = own_parent();
  const std::string start = own.substr(1, own.rfind('-'));  // without the "/", with the "-"
  std::vector<std::string> mounts = hierarchies.v1_process_mounts();
  if (!hierarchies.v2_mount.empty()) mounts.push_back(hierarchies.v2_mount);
  for (const std::string& mount : mounts) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(mount, ignored)) {
      const std::string name = entry.path().filename();
      if (name.compare(0, start.size(), start) != 0 || !entry.is_directory(ignored)) continue;
      const std::string pid = name.substr(start.size());
      if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) continue;
      if (!std::filesystem::exists("/proc/" + pid)) clear(runtime::cgroup::Group::at(hierarchies, "/" + name).value());
    }
  }
}

// Needs root and cgroup hierarchies that can be written; skips with the reason otherwise.
class RootCgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto found = runtime::cgroup::find_hierarchies();
    if (!found) GTEST_SKIP() << found.error().what;
    hierarchies_ = *found;
    clear_leftovers(hierarchies_);
    const auto made = parent().create();
    if (!made) GTEST_SKIP() << "cannot make cgroups here: " << made.error().what;
    made_ = true;
  }
  void TearDown() override {
    if (made_) clear(parent());
  }
  [[nodiscard]] runtime::cgroup::Group parent() const {
    return runtime::cgroup::Group::at(hierarchies_, own_parent()).value();
  }
  [[nodiscard]] runtime::cgroup::Group made(const std::string& name) const {
    auto group = parent().child(name).value();
    const auto done = group.create();
    EXPECT_TRUE(done) << done.error().what;
    return group;
  }
  runtime::cgroup::Hierarchies hierarchies_;

 private:
  bool made_ = false;
};

// Runs `body` in a new process that is in `group` before it begins. The caller waits for it, or clear() does.
inline pid_t run_in(const runtime::cgroup::Group& group, const std::function<void()>& body) {
  int gate[2];
  if (::pipe(gate) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    char go = 0;
    ::close(gate[1]);
    if (::read(gate[0], &go, 1) != 1) ::_exit(1);
    body();
    ::_exit(0);
  }
  ::close(gate[0]);
  const auto attached = group.attach(pid);
  EXPECT_TRUE(attached) << attached.error().what;
  EXPECT_EQ(::write(gate[1], "g", 1), 1);
  ::close(gate[1]);
  return pid;
}

// The exit status as waitpid gives it.
inline int wait_for(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

// Looks every millisecond, up to `seconds`.
template <class Condition>
bool within(double seconds, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline bool readable_within(int fd, int milliseconds) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, milliseconds) == 1;
}

}  // namespace mete::test
