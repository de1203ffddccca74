// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/project_quota.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

long quota_call(int fd, unsigned command, std::uint32_t project, if_dqblk& block) {
  return ::syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, &block);
}

Status set_space(int fd, std::uint32_t project, Bytes limit, const std::string& shown) {
  constexpr std::int64_t kBlock = 1024;  // QIF_DQBLKSIZE
  if_dqblk block{};
  block.dqb_valid = QIF_BLIMITS;
  block.dqb_bhardlimit = static_cast<std::uint64_t>((limit.count() + kBlock - 1) / kBlock);
  if (quota_call(fd, Q_SETQUOTA, project, block) != 0) return fail_errno("set the project quota of " + shown);
  return {};
}

// A number that nothing is counted for. The directory's inode is one that no other directory here has.
Result<std::uint32_t> free_project(int fd, const std::string& shown) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail_errno("stat " + shown);
  constexpr int kTries = 1000;
  auto project = static_cast<std::uint32_t>(info.st_ino);
  for (int i = 0; i < kTries; ++i, ++project) {
    if (project == 0) continue;
    if_dqblk block{};
    const bool known = quota_call(fd, Q_GETQUOTA, project, block) == 0;
    if (!known && errno != ENOENT && errno != ESRCH) return fail_errno("read the project quota of " + shown);
    if (!known || (block.dqb_curspace == 0 && block.dqb_curinodes == 0 && block.dqb_bhardlimit == 0)) return project;
  }
  return fail(shown + ": found " + std::to_string(kTries) + " project quotas in use, expected a free number");
}

Result<std::uint32_t> project_of(int fd, const std::string& shown) {
  fsxattr attributes{};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0) return fail_errno("read the project of " + shown);
  return attributes.fsx_projid;
}

Status join_project(int fd, std::uint32_t project, const std::string& shown) {
  fsxattr attributes{};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0) return fail_errno("read the project of " + shown);
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  if (::ioctl(fd, FS_IOC_FSSETXATTR, &attributes) != 0) return fail_errno("set the project of " + shown);
  return {};
}

}  // namespace

bool has_project_quota(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if_dqblk block{};
  return fd.valid() && quota_call(fd.get(), Q_GETQUOTA, 0, block) == 0;
}

Status limit_directories(const std::vector<std::string>& directories, Bytes limit) {
  METE_TRY(const UniqueFd first, open_at(AT_FDCWD, directories.front(), O_RDONLY | O_DIRECTORY));
  METE_TRY(const std::uint32_t own, project_of(first.get(), directories.front()));
  std::uint32_t project = own;
  if (own == 0) {
    METE_TRY(project, free_project(first.get(), directories.front()));
  }
  for (const std::string& directory : directories) {
    METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
    METE_CHECK(join_project(fd.get(), project, directory));
  }
  return set_space(first.get(), project, limit, directories.front());
}

void forget_project_quota(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  fsxattr attributes{};
  if (!fd.valid() || ::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) != 0 || attributes.fsx_projid == 0) return;
  (void)set_space(fd.get(), attributes.fsx_projid, Bytes(0), directory);
}

}  // namespace mete::runtime::storage
