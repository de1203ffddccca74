// SPDX-License-Identifier: Apache-2.0
#include "agent/self/locks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

// A child that an agent was starting when it was killed holds the agent's locks until it executes its program. That
// takes milliseconds, so an agent that follows at once waits a moment before it believes that another one runs.
constexpr int kTries = 20;
constexpr auto kBetween = std::chrono::milliseconds(50);

// `take` returns 0, or sets errno: `held` says that another one has the lock.
template <class Take>
Result<runtime::UniqueFd> lock(runtime::UniqueFd file, const std::string& shown, Take take, int held,
                               const std::string& advice) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetween);
    if (take(file.get()) == 0) return file;
    if (errno != held) return fail_errno("lock " + shown);
  }
  return fail(shown + ": found another agent running on it, expected none; give this one " + advice);
}

Result<runtime::UniqueFd> lock_file(runtime::UniqueFd file, const std::string& shown) {
  return lock(
      std::move(file), shown, [](int fd) { return ::flock(fd, LOCK_EX | LOCK_NB); }, EWOULDBLOCK,
      "its own --state, --run and --cgroup-parent");
}

}  // namespace

Result<runtime::UniqueFd> lock_directory(const std::string& directory, mode_t mode) {
  METE_CHECK(runtime::make_directories(directory, mode));
  METE_TRY(runtime::UniqueFd file, runtime::open_at(AT_FDCWD, directory + "/lock", O_RDWR | O_CREAT, 0600));
  return lock_file(std::move(file), directory);
}

Result<runtime::UniqueFd> lock_parent(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path) {
  METE_TRY(const runtime::cgroup::Group parent, runtime::cgroup::Group::at(hierarchies, path));
  METE_CHECK(parent.create());
  runtime::cgroup::let_groups_inherit_cpus(parent);
  METE_TRY(runtime::UniqueFd file,
           runtime::open_at(AT_FDCWD, runtime::cgroup::main_directory(parent), O_RDONLY | O_DIRECTORY));
  return lock_file(std::move(file), "cgroup " + path);
}

Result<runtime::UniqueFd> lock_networks(const std::string& table) {
  runtime::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "mete/networks/" + table;  // after a zero byte: an abstract name
  if (name.size() >= sizeof address.sun_path) return fail("network " + table + ": found a name that is too long");
  std::copy(name.begin(), name.end(), &address.sun_path[1]);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return lock(
      std::move(socket), "networks of " + table,
      [&](int fd) { return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size); }, EADDRINUSE,
      "--network none, or a network.device and ranges of its own in agent.yaml");
}

}  // namespace mete::agent
