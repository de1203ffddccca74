// SPDX-License-Identifier: Apache-2.0
#include "runtime/file_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/file.h"

namespace mete::runtime {

Result<std::string> read_file_beneath(const std::string& directory, const std::string& path, std::size_t limit) {
  METE_TRY(const UniqueFd below, open_at(AT_FDCWD, directory, O_PATH | O_DIRECTORY));
  struct open_how how {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;  // a FIFO without a writer does not hold the caller
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const UniqueFd file(static_cast<int>(::syscall(SYS_openat2, below.get(), path.c_str(), &how, sizeof how)));
  const std::string shown = directory + "/" + path;
  if (!file.valid()) return fail_errno("open " + shown, errno == ENOTDIR ? ENOENT : errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("stat " + shown);
  if (!S_ISREG(info.st_mode)) return fail(shown + ": found no regular file, expected one");
  return read_all(file.get(), shown, limit);
}

}  // namespace mete::runtime
