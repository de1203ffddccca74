// SPDX-License-Identifier: Apache-2.0
#include "agent/self/locks.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

Result<runtime::UniqueFd> lock(runtime::UniqueFd file, const std::string& shown) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return fail_errno("lock " + shown);
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
