// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

Status copy_all(int from, int to, const std::string& shown) {
  std::string buffer(256U << 10U, '\0');
  while (true) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + shown);
    if (got == 0) return {};
    METE_CHECK(runtime::write_all(to, {buffer.data(), static_cast<std::size_t>(got)}));
  }
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string by_descriptor(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

// The file gets its name when it is whole; the name for a moment is that of this process. The directory is opened
// before `write`, which may enter a mount namespace of its own: a link does not lead from one to another.
Status write_file(const std::string& path, const std::function<Status(int)>& write) {
  METE_TRY(const runtime::UniqueFd directory, runtime::open_at(AT_FDCWD, directory_of(path), O_RDONLY | O_DIRECTORY));
  METE_TRY(const runtime::UniqueFd file, runtime::open_at(directory.get(), ".", O_TMPFILE | O_RDWR, 0600));
  METE_CHECK(write(file.get()));
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::string near = name + "." + std::to_string(::getpid());
  if (::linkat(AT_FDCWD, by_descriptor(file.get()).c_str(), directory.get(), near.c_str(), AT_SYMLINK_FOLLOW) != 0)
    return fail_errno("make " + path);
  if (::renameat(directory.get(), near.c_str(), directory.get(), name.c_str()) == 0) return {};
  const int code = errno;
  (void)::unlinkat(directory.get(), near.c_str(), 0);
  return fail_errno("rename to " + path, code);
}

}  // namespace

Result<Input> input_of(const std::string& path, const std::string& directory) {
  runtime::UniqueFd source;
  struct stat info {};
  if (path == "-") {
    source = runtime::UniqueFd(::dup(STDIN_FILENO));
    if (!source.valid() || ::fstat(source.get(), &info) != 0) return fail_errno("standard input");
  } else {
    if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
    if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return Input{{}, {path, path}};
    METE_TRY(source, runtime::open_at(AT_FDCWD, path, O_RDONLY));
  }
  if (!S_ISREG(info.st_mode)) {
    METE_TRY(runtime::UniqueFd copy, runtime::open_at(AT_FDCWD, directory, O_TMPFILE | O_RDWR, 0600));
    METE_CHECK(copy_all(source.get(), copy.get(), path));
    source = std::move(copy);
  }
  std::string own = by_descriptor(source.get());
  return Input{std::move(source), {std::move(own), path}};
}

Status write_output(const std::string& path, const std::function<Status(int)>& write) {
  if (path.empty()) return write(STDOUT_FILENO);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return write_file(path, write);
  METE_TRY(const runtime::UniqueFd file, runtime::open_at(AT_FDCWD, path, O_WRONLY));
  return write(file.get());
}

}  // namespace mete::agent::cli
