// SPDX-License-Identifier: Apache-2.0
#include "agent/self/locks.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

// A child that an agent was starting when it was killed holds the agent's locks until it executes its program. That
// takes milliseconds, so an agent that follows at once waits a moment before it believes that another one runs.
constexpr int kTries = 20;
constexpr auto kBetween = std::chrono::milliseconds(50);

Result<runtime::UniqueFd> lock(runtime::UniqueFd file, const std::string& shown) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetween);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno != EWOULDBLOCK) return fail_errno("lock " + shown);
  }
  return fail(
      shown +
      ": found another agent running on it, expected none; give this one its own --state, --run and --cgroup-parent");
}

}  // namespace

Result<runtime::UniqueFd> lock_directory(const std::string& directory, mode_t mode) {
  METE_CHECK(runtime::make_directories(directory, mode));
  METE_TRY(runtime::UniqueFd file, runtime::open_at(AT_FDCWD, directory + "/lock", O_RDWR | O_CREAT, 0600));
  return lock(std::move(file), directory);
}

Result<runtime::UniqueFd> lock_parent(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path) {
  METE_TRY(const runtime::cgroup::Group parent, runtime::cgroup::Group::at(hierarchies, path));
  METE_CHECK(parent.create());
  METE_TRY(runtime::UniqueFd file,
           runtime::open_at(AT_FDCWD, runtime::cgroup::main_directory(parent), O_RDONLY | O_DIRECTORY));
  return lock(std::move(file), "cgroup " + path);
}

}  // namespace mete::agent
