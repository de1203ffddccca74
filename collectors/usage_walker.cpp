// SPDX-License-Identifier: Apache-2.0
#include "collectors/usage_walker.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

using runtime::UniqueFd;

constexpr std::size_t kBuffer = 16'384;
// The walk stops at this depth, because each level holds a descriptor.
constexpr std::size_t kDeepest = 200;

// The directory's project id, when new files inherit it: only then does the quota count the whole tree.
std::optional<std::uint32_t> project_of(int directory) {
  fsxattr attributes{};
  if (::ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0) return std::nullopt;
  if (attributes.fsx_projid == 0 || (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) == 0) return std::nullopt;
  return attributes.fsx_projid;
}

std::uint64_t saturated(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() : product;
}

}  // namespace

std::string device_of_mount(std::string_view mountinfo, std::uint32_t major, std::uint32_t minor) {
  const std::string wanted = std::to_string(major) + ":" + std::to_string(minor);
  while (!mountinfo.empty()) {
    std::string_view line = next_line(mountinfo);
    (void)next_word(line);
    (void)next_word(line);
    if (next_word(line) != wanted) continue;
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    line.remove_prefix(dash + 3);
    (void)next_word(line);
    return std::string(next_word(line));
  }
  return {};
}

Result<UsageWalker> UsageWalker::open(const std::string& directory, UsageWalkOptions options) {
  UsageWalker walker(directory, options);
  METE_CHECK(walker.open_root());
  struct stat status {};
  if (::fstat(walker.root_.get(), &status) != 0) return fail_errno(directory, errno);
  walker.device_ = status.st_dev;
  walker.inode_ = status.st_ino;
  if (const auto mounts = runtime::read_file(AT_FDCWD, "/proc/self/mountinfo")) {
    walker.device_name_ = device_of_mount(*mounts, ::major(status.st_dev), ::minor(status.st_dev));
  }
  if (walker.device_name_.empty()) {
    walker.device_name_ = std::to_string(::major(status.st_dev)) + ":" + std::to_string(::minor(status.st_dev));
  }
  walker.project_ = project_of(walker.root_.get());
  walker.root_.reset();
  return walker;
}

Status UsageWalker::open_root() {
  METE_TRY(root_, runtime::open_at(AT_FDCWD, path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  struct stat status {};
  if (::fstat(root_.get(), &status) != 0) return fail_errno(path_, errno);
  if (inode_ == 0 || (status.st_ino == inode_ && status.st_dev == device_)) return {};
  root_.reset();
  return fail_errno(path_ + ": another directory has taken its place", ESTALE);
}

// Asks the kernel for the project's usage. quotactl_fd (5.14) needs no device path, which the host of a container may
// not have.
bool UsageWalker::read_quota(FilesystemUsage& usage) const {
#ifdef SYS_quotactl_fd
  if (!project_) return false;
  if_dqblk quota{};
  constexpr unsigned kCommand = QCMD(Q_GETQUOTA, PRJQUOTA);
  if (::syscall(SYS_quotactl_fd, root_.get(), kCommand, *project_, &quota) != 0) return false;
  if ((quota.dqb_valid & QIF_SPACE) == 0) return false;
  usage.usage = to_bytes(quota.dqb_curspace);
  const std::uint64_t limit = quota.dqb_bhardlimit != 0 ? quota.dqb_bhardlimit : quota.dqb_bsoftlimit;
  if ((quota.dqb_valid & QIF_BLIMITS) != 0 && limit != 0) usage.limit = to_bytes(saturated(limit, 1024));
  return true;
#else
  (void)usage;
  return false;
#endif
}

void UsageWalker::begin_round() {
  walking_ = true;
  bytes_ = 0;
  linked_.clear();
  levels_.clear();
  UniqueFd top(::openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!top.valid() || ::fstat(top.get(), &status) != 0) return;
  bytes_ = static_cast<std::uint64_t>(status.st_blocks) * 512;
  levels_.push_back({std::move(top), std::string(kBuffer, '\0')});
}

void UsageWalker::count_entry(const char* name) {
  ++entries_;
  struct stat status {};
  const int directory = levels_.back().directory.get();
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) return;
  if (status.st_dev != device_) return;
  const bool is_directory = S_ISDIR(status.st_mode);
  if (!is_directory && status.st_nlink > 1 && !linked_.insert(status.st_ino).second) return;
  bytes_ += static_cast<std::uint64_t>(status.st_blocks) * 512;
  if (!is_directory || levels_.size() >= kDeepest) return;
  UniqueFd below(::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (below.valid()) levels_.push_back({std::move(below), std::string(kBuffer, '\0')});
}

// True: the walk has reached the end of the tree.
bool UsageWalker::walk(Clock::time_point end) {
  constexpr std::size_t kName = 19;  // offset in struct linux_dirent64, after inode, offset, length and type
  for (std::size_t looked = 0; !levels_.empty();) {
    if (looked >= options_.entries || (looked % 32 == 31 && Clock::now() >= end)) return false;
    Level& level = levels_.back();
    if (level.at >= level.end) {
      const auto got = ::syscall(SYS_getdents64, level.directory.get(), level.buffer.data(), level.buffer.size());
      ++looked;
      if (got <= 0) {
        levels_.pop_back();
        continue;
      }
      level.at = 0;
      level.end = static_cast<std::size_t>(got);
    }
    const char* const entry = level.buffer.data() + level.at;
    std::uint16_t length = 0;
    std::memcpy(&length, entry + 16, sizeof length);
    level.at += length;
    const char* const name = entry + kName;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    ++looked;
    count_entry(name);
  }
  return true;
}

void UsageWalker::finish() {
  walking_ = false;
  auto usage = std::make_shared<FilesystemUsage>();
  usage->device = device_name_;
  struct statvfs all {};
  if (::fstatvfs(root_.get(), &all) == 0) {
    usage->limit = to_bytes(saturated(all.f_blocks, all.f_frsize));
    if (all.f_files > 0) {
      usage->inodes_total = all.f_files;
      usage->inodes_free = all.f_ffree;
    }
  }
  if (!read_quota(*usage)) usage->usage = to_bytes(bytes_);
  usage_ = std::move(usage);
  root_.reset();
  linked_.clear();
  due_ = std::max(due_, round_began_ + options_.every);
}

bool UsageWalker::step(Clock::time_point now) {
  if (now < due_) return false;
  const auto began = Clock::now();
  if (!walking_) {
    round_began_ = now;
    if (!open_root()) {  // removed, or no descriptor was free: the last numbers stay until the next round
      due_ = now + options_.every;
      return false;
    }
  }
  FilesystemUsage ignored;
  const bool counted = !walking_ && read_quota(ignored);
  if (!walking_ && !counted) begin_round();
  const bool done = counted || walk(began + options_.time);
  const auto took = Clock::now() - began;
  due_ = now + std::chrono::duration_cast<Clock::duration>(took / options_.duty);
  if (done) finish();
  return done;
}

}  // namespace mete::collectors
