// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/ext4.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

#include <cstdint>

#include "runtime/file.h"
#include "runtime/storage/run_program.h"

namespace mete::runtime::storage {
namespace {

constexpr std::int64_t kFileBlock = 4096;
constexpr unsigned long kResize = _IOW('f', 16, std::uint64_t);  // EXT4_IOC_RESIZE_FS, of fs/ext4/ext4.h

}  // namespace

Bytes ext4_size(Bytes limit) {
  // Inode tables take a 32nd part (256 bytes for 8 KiB), bitmaps and descriptors less; 2 % are kept by the kernel.
  constexpr std::int64_t kTables = 2 << 20;
  const std::int64_t size = limit.count() + limit.count() / 16 + kTables;
  return Bytes((size + kFileBlock - 1) / kFileBlock * kFileBlock);
}

Result<Bytes> free_bytes_of(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return fail_errno("look at " + directory);
  return Bytes(static_cast<std::int64_t>(info.f_bavail * info.f_frsize));
}

Status take_surplus(const std::string& directory, Bytes limit) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, directory + "/.surplus", O_RDWR | O_CREAT, 0600));
  METE_TRY(const Bytes free, free_bytes_of(directory));
  if (free < limit)
    return fail(directory + ": found " + std::to_string(free.count()) + " bytes free, expected at least " +
                std::to_string(limit.count()));
  const std::int64_t surplus = (free - limit).count() / kFileBlock * kFileBlock;
  if (surplus > 0 && ::fallocate(fd.get(), 0, 0, surplus) != 0) return fail_errno("fill " + directory);
  return {};
}

Status check_ext4(const std::string& path) {
  const std::string program = find_program("e2fsck");
  // Exit codes 1 and 2: there were errors, and are none.
  if (program.empty() || run_program({program, "-p", path}, 2)) return {};
  return run_program({program, "-y", path}, 2);
}

Status grow_ext4(const std::string& directory, Bytes size) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  const std::uint64_t blocks = static_cast<std::uint64_t>(size.count() / kFileBlock);
  if (::ioctl(fd.get(), kResize, &blocks) != 0) return fail_errno("grow the file system of " + directory);
  return {};
}

}  // namespace mete::runtime::storage
