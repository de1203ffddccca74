// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/inside_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "runtime/file.h"

namespace mete::runtime::process {
namespace {

constexpr int kDeepestCopy = 200;  // nesting of directories
constexpr mode_t kPermissions = 0777;

// The second number (effective) of the line "Uid:" or "Gid:" in /proc/PID/status.
unsigned effective_id(const std::string& status, const std::string& line) {
  const auto at = status.find("\n" + line + ":");
  if (at == std::string::npos) return 0;
  unsigned real = 0;
  unsigned effective = 0;
  (void)std::sscanf(status.c_str() + at + line.size() + 2, "%u %u", &real, &effective);
  return effective;
}

class InsideCopier {
 public:
  InsideCopier(const CopyOwner& owner, const std::function<void(const std::string&)>& skipped)
      : owner_(owner), skipped_(skipped) {}

  Status copy(int from, const std::string& name, int to, const std::string& to_name, const std::string& shown) {
    // O_NONBLOCK: a FIFO would wait for its writer.
    UniqueFd source(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!source.valid() && (errno == ELOOP || errno == ENXIO)) return skip(shown);
    if (!source.valid()) return fail_errno("open " + shown);
    if (::fstat(source.get(), &info) != 0) return fail_errno("stat " + shown);
    if (S_ISREG(info.st_mode)) return copy_file(source, to, to_name, info, shown);
    if (S_ISDIR(info.st_mode)) return copy_directory(source, to, to_name, info, shown);
    return skip(shown);
  }

 private:
  Status skip(const std::string& shown) {
    skipped_(shown);
    return {};
  }

  Status finish(const UniqueFd& made, const struct stat& info, const std::string& shown) const {
    // In this order: chown(2) takes the right to execute as another user away.
    if (::fchown(made.get(), owner_.uid, owner_.gid) != 0 && errno != EPERM) return fail_errno("chown " + shown);
    return ::fchmod(made.get(), info.st_mode & kPermissions) == 0 ? Status() : fail_errno("chmod " + shown);
  }

  Status copy_file(const UniqueFd& source, int to, const std::string& to_name, const struct stat& info,
                   const std::string& shown) const {
    const UniqueFd target(
        ::openat(to, to_name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    struct stat there {};
    if (!target.valid()) return fail_errno("write " + to_name);
    if (::fstat(target.get(), &there) != 0 || !S_ISREG(there.st_mode))
      return fail("write " + to_name + ": found something else there, expected a file or nothing");
    // Not at the open: what is no file must not be changed.
    if (::ftruncate(target.get(), 0) != 0) return fail_errno("truncate " + to_name);
    constexpr std::size_t kPiece = 1U << 20U;
    while (true) {
      const ssize_t sent = ::sendfile(target.get(), source.get(), nullptr, kPiece);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return fail_errno("copy " + shown);
      if (sent == 0) return finish(target, info, to_name);
    }
  }

  Status copy_directory(const UniqueFd& source, int to, const std::string& to_name, const struct stat& info,
                        const std::string& shown) {
    if (depth_ == kDeepestCopy)
      return fail(shown + ": found deeper directories, expected at most " + std::to_string(kDeepestCopy) + " levels");
    if (::mkdirat(to, to_name.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make directory " + to_name);
    const UniqueFd target(::openat(to, to_name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!target.valid()) return fail_errno("open " + to_name);
    UniqueFd copy(::fcntl(source.get(), F_DUPFD_CLOEXEC, 0));
    const auto closer = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(closer)> stream(copy.valid() ? ::fdopendir(copy.get()) : nullptr, closer);
    if (!stream) return fail_errno("read directory " + shown);
    (void)copy.release();  // the stream closes it
    ++depth_;
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (entry == nullptr && errno != 0) return fail_errno("read directory " + shown);
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      METE_CHECK(this->copy(source.get(), name, target.get(), name, shown + "/" + name));
    }
    --depth_;
    return finish(target, info, to_name);
  }

  const CopyOwner& owner_;
  const std::function<void(const std::string&)>& skipped_;
  int depth_ = 0;
};

}  // namespace

Result<InsideFiles> InsideFiles::open(const ProcessId& first) {
  const std::string proc = "/proc/" + std::to_string(first.pid);
  // Checked before and after: the pid may have been reused by a process of the host.
  METE_TRY(const UniqueFd before, open_pidfd(first));
  InsideFiles inside;
  METE_TRY(inside.root_, open_at(AT_FDCWD, proc + "/root", O_PATH | O_DIRECTORY));
  METE_TRY(const std::string status, read_file(AT_FDCWD, proc + "/status"));
  METE_TRY(const UniqueFd after, open_pidfd(first));
  inside.uid_ = effective_id(status, "Uid");
  inside.gid_ = effective_id(status, "Gid");
  return inside;
}

InsideFiles InsideFiles::below(UniqueFd root) {
  InsideFiles files;
  files.root_ = std::move(root);
  return files;
}

Result<UniqueFd> InsideFiles::open_path(const std::string& path, int flags) const {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
  if (!fd.valid()) return fail_errno("open " + path + " in the container");
  return fd;
}

Status copy_between(const UniqueFd& from, const std::string& name, const UniqueFd& to, const std::string& to_name,
                    const CopyOwner& owner, const std::function<void(const std::string&)>& skipped) {
  return InsideCopier(owner, skipped).copy(from.get(), name, to.get(), to_name, name);
}

}  // namespace mete::runtime::process
