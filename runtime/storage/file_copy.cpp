// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/file_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

Status copy_range(int from, int to, off_t at, off_t end) {
  std::vector<char> buffer(static_cast<std::size_t>(std::min<off_t>(end - at, 1 << 20)));
  while (at < end) {
    const auto wanted = static_cast<std::size_t>(std::min<off_t>(end - at, static_cast<off_t>(buffer.size())));
    const ssize_t got = ::pread(from, buffer.data(), wanted, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) return {};  // it has become shorter
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::pwrite(to, buffer.data() + done, static_cast<std::size_t>(got - done), at + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail_errno("write");
      done += put;
    }
    at += got;
  }
  return {};
}

}  // namespace

Status copy_content(int from, int to, const std::string& shown) {
  struct stat info {};
  if (::fstat(from, &info) != 0) return fail_errno("stat " + shown);
  if (info.st_size == 0) return {};
  if (::ioctl(to, FICLONE, from) == 0) return {};
  for (off_t at = 0; at < info.st_size;) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    const off_t begin = data < 0 ? at : data;
    const off_t hole = data < 0 ? info.st_size : ::lseek(from, begin, SEEK_HOLE);
    const off_t end = hole < 0 ? info.st_size : hole;
    if (auto copied = copy_range(from, to, begin, end); !copied) return fail_in(shown, copied.error());
    at = end;
  }
  return ::ftruncate(to, info.st_size) == 0 ? Status() : fail_errno("set the size of " + shown);
}

Status copy_file(const std::string& from, const std::string& to) {
  METE_TRY(const UniqueFd source, open_at(AT_FDCWD, from, O_RDONLY));
  METE_TRY(const UniqueFd target, open_at(AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL, 0600));
  auto copied = copy_content(source.get(), target.get(), to);
  if (!copied) (void)::unlink(to.c_str());
  return copied;
}

}  // namespace mete::runtime::storage
