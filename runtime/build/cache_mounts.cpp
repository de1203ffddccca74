// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/cache_mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "runtime/file.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::build {
namespace {

int strictness(CacheSharing sharing) {
  return sharing == CacheSharing::kLocked ? 2 : sharing == CacheSharing::kPrivate ? 1 : 0;
}

// False: somebody else has it, and it is not waited for.
Result<bool> lock_cache(int lock, const std::string& path, CacheSharing sharing, const StopFlag& stop) {
  constexpr int kEvery = 50;  // ms: flock cannot wait for two things
  while (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail_errno("lock " + path);
    if (sharing == CacheSharing::kPrivate) return false;
    pollfd stopped{stop.fd(), POLLIN, 0};
    if (::poll(&stopped, 1, kEvery) > 0) return tl::unexpected(stopped_error());
  }
  return true;
}

// With its owner and mode from the beginning: another RUN may use it at once.
Status make_cache(const RunMount& mount, const std::string& path, Workspace& workspace) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return {};
  METE_TRY(const std::string made, workspace.make_directory());
  if (::chown(made.c_str(), mount.uid, mount.gid) != 0) return fail_errno("set owner of " + made);
  if (::chmod(made.c_str(), mount.mode) != 0) return fail_errno("set mode of " + made);
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0 && errno != EEXIST)
    return fail_errno("rename to " + path);
  return {};
}

Result<std::string> take_cache(const RunMount& mount, BuildContext& context, std::vector<UniqueFd>& locks) {
  const std::string path = context.store.directory() + "/build/mounts/" + image::sha256_hex(mount.id).substr(0, 24);
  if (mount.sharing != CacheSharing::kShared) {
    METE_TRY(UniqueFd lock, open_at(AT_FDCWD, path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    METE_TRY(const bool own, lock_cache(lock.get(), path + ".lock", mount.sharing, context.stop));
    if (!own) {
      std::string other = context.workspace.new_path();
      METE_CHECK(make_cache(mount, other, context.workspace));
      return other;
    }
    locks.push_back(std::move(lock));
  }
  METE_CHECK(make_cache(mount, path, context.workspace));
  return path;
}

}  // namespace

std::map<std::string, RunMount> caches_of(const std::vector<RunMount>& mounts) {
  std::map<std::string, RunMount> caches;
  for (const RunMount& mount : mounts) {
    if (mount.kind != RunMountKind::kCache) continue;
    const auto [at, added] = caches.emplace(mount.id, mount);
    if (!added && strictness(mount.sharing) > strictness(at->second.sharing)) at->second.sharing = mount.sharing;
  }
  return caches;
}

Result<std::map<std::string, std::string>> take_caches(const std::vector<RunMount>& mounts, BuildContext& context,
                                                       std::vector<UniqueFd>& locks) {
  std::map<std::string, std::string> paths;
  const auto caches = caches_of(mounts);
  if (!caches.empty()) METE_CHECK(make_directories(context.store.directory() + "/build/mounts", 0700));
  for (const auto& [id, mount] : caches) {
    METE_TRY(paths[id], take_cache(mount, context, locks));
  }
  return paths;
}

}  // namespace mete::runtime::build
