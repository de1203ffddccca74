// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/namespace_files.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mete::runtime::process {
namespace {

struct KindNames {
  std::uint64_t flag;
  const char* own;
  const char* name;
  const char* open;
  const char* join;
  const char* wrong;
};

// In the order of NamespaceKind. The child may not put texts together.
constexpr std::array<KindNames, 8> kKindNames = {{
    {CLONE_NEWNS, "/proc/self/ns/mnt", "mount namespace", "open mount namespace", "join mount namespace",
     "found no mount namespace at"},
    {CLONE_NEWPID, "/proc/self/ns/pid", "PID namespace", "open PID namespace", "join PID namespace",
     "found no PID namespace at"},
    {CLONE_NEWNET, "/proc/self/ns/net", "network namespace", "open network namespace", "join network namespace",
     "found no network namespace at"},
    {CLONE_NEWIPC, "/proc/self/ns/ipc", "IPC namespace", "open IPC namespace", "join IPC namespace",
     "found no IPC namespace at"},
    {CLONE_NEWUTS, "/proc/self/ns/uts", "UTS namespace", "open UTS namespace", "join UTS namespace",
     "found no UTS namespace at"},
    {CLONE_NEWCGROUP, "/proc/self/ns/cgroup", "cgroup namespace", "open cgroup namespace", "join cgroup namespace",
     "found no cgroup namespace at"},
    {CLONE_NEWUSER, "/proc/self/ns/user", "user namespace", "open user namespace", "join user namespace",
     "found the caller's own or no user namespace at"},
    {0x80 /* CLONE_NEWTIME */, "/proc/self/ns/time", "time namespace", "open time namespace", "join time namespace",
     "found no time namespace at"},
}};

const KindNames& kind_of(NamespaceKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

// The user namespace takes the rights over those that the host owns.
constexpr bool joins_late(NamespaceKind kind) {
  return kind == NamespaceKind::user;
}

class Files {
 public:
  Files() { fds_.fill(-1); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    for (const int fd : fds_) {
      if (fd >= 0) ::close(fd);
    }
  }

  JoinFailure open(const NamespaceUse& use) {
    // O_NONBLOCK: a FIFO is no namespace and must not be waited for.
    const int fd = ::open(use.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return {kind_of(use.kind).open, use.path.c_str(), errno};
    of(use) = fd;
    return {};
  }

  bool join(const NamespaceUse& use) { return ::setns(of(use), static_cast<int>(kind_of(use.kind).flag)) == 0; }

 private:
  int& of(const NamespaceUse& use) { return fds_[static_cast<std::size_t>(use.kind)]; }
  std::array<int, kKindNames.size()> fds_{};
};

}  // namespace

const char* name_of(NamespaceKind kind) {
  return kind_of(kind).name;
}

const char* file_name_of(NamespaceKind kind) {
  return std::strrchr(kind_of(kind).own, '/') + 1;
}

bool is_own(const NamespaceUse& use) {
  struct stat theirs {};
  struct stat ours {};
  if (::stat(kind_of(use.kind).own, &ours) != 0) return ::stat(use.path.c_str(), &theirs) != 0 && errno == ENOENT;
  return ::stat(use.path.c_str(), &theirs) == 0 && theirs.st_ino == ours.st_ino;
}

std::uint64_t clone_flag(NamespaceKind kind) {
  return kind_of(kind).flag;
}

JoinFailure join_namespaces(const std::vector<NamespaceUse>& all, bool may_lack_rights, KindSet& joined) {
  Files files;
  const auto missing = [&](const NamespaceUse& use) { return (joined & set_of(use.kind)) == 0; };
  for (const auto& use : all) {
    if (!missing(use)) continue;
    if (const JoinFailure failure = files.open(use); failure.tried != nullptr) return failure;
  }
  JoinFailure refused;
  for (bool progress = true; progress;) {
    progress = false;
    refused = {};
    for (const bool late : {false, true}) {
      for (const auto& use : all) {
        if (joins_late(use.kind) != late || !missing(use)) continue;
        if (files.join(use)) {
          joined |= set_of(use.kind);
          progress = true;
        } else if (errno != EPERM) {
          return {errno == EINVAL ? kind_of(use.kind).wrong : kind_of(use.kind).join, use.path.c_str(), errno};
        } else if (refused.tried == nullptr) {
          refused = {kind_of(use.kind).join, use.path.c_str(), EPERM};
        }
      }
    }
    if (refused.tried == nullptr) return {};
  }
  return may_lack_rights ? JoinFailure{} : refused;
}

}  // namespace mete::runtime::process
