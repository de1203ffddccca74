// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/own_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/fd.h"
#include "runtime/file.h"

// The linker's names for the program's begin and the end of its code (end(3), ld's default script).
extern "C" const char __executable_start;  // NOLINT: the linker's name
extern "C" const char etext;

int mete_own_image_mount = -1;  // NOLINT: written before libc begins

namespace mete::runtime::process {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

bool is_protected(const UniqueFd& own) {
  struct statvfs info {};
  if (::fstatvfs(own.get(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0) return true;
  const int seals = ::fcntl(own.get(), F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals;
}

UniqueFd read_only_mount(const UniqueFd& own) {
  UniqueFd tree(::open_tree(own.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!tree.valid()) return {};
  struct mount_attr change {};
  change.attr_set = MOUNT_ATTR_RDONLY;
  return ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &change, sizeof change) == 0 ? std::move(tree) : UniqueFd();
}

UniqueFd sealed_copy(const UniqueFd& own) {
  constexpr unsigned kExecutable = 0x10;  // MFD_EXEC, Linux 6.3
  UniqueFd copy(::memfd_create("mete", MFD_CLOEXEC | MFD_ALLOW_SEALING | kExecutable));
  if (!copy.valid() && errno == EINVAL) copy = UniqueFd(::memfd_create("mete", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  struct stat info {};
  if (!copy.valid() || ::fstat(own.get(), &info) != 0) return {};
  off_t at = 0;
  while (at < info.st_size) {
    if (::sendfile(copy.get(), own.get(), &at, static_cast<std::size_t>(info.st_size - at)) <= 0) return {};
  }
  if (::fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0) return {};
  // Open for writing, the file could not be executed (ETXTBSY).
  return UniqueFd(::open(("/proc/self/fd/" + std::to_string(copy.get())).c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

Status protect_own_image() {
  if (mete_own_image_mount >= 0) return {};
  const UniqueFd own(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return fail_errno("open /proc/self/exe");
  if (is_protected(own)) return {};
  UniqueFd image = read_only_mount(own);
  if (!image.valid()) image = sealed_copy(own);
  if (!image.valid()) return fail_errno("make a read-only image of this program");
  METE_TRY(std::string words, read_file(AT_FDCWD, "/proc/self/cmdline"));
  std::vector<char*> arguments;
  for (std::size_t at = 0; at < words.size(); at = words.find('\0', at) + 1) arguments.push_back(words.data() + at);
  arguments.push_back(nullptr);
  ::syscall(SYS_execveat, image.get(), "", arguments.data(), environ, AT_EMPTY_PATH);
  return fail_errno("execute a read-only image of this program");
}

void release_own_image() {
  if (mete_own_image_mount >= 0) ::close(std::exchange(mete_own_image_mount, -1));
}

void drop_code_pages() {
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start) & ~(kPage - 1);  // NOLINT: an address
  const auto length = reinterpret_cast<std::uintptr_t>(&etext) - begin;                     // NOLINT: an address
  ::madvise(reinterpret_cast<void*>(begin), length, MADV_DONTNEED);                         // NOLINT: an address
}

}  // namespace mete::runtime::process
