// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/volume_group.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

mode_t file_rights(const GroupChange& change) {
  return change.read_only ? 0440 : 0660;
}

mode_t directory_rights(const GroupChange& change) {
  constexpr mode_t kSetGroup = 02000;
  return kSetGroup | file_rights(change) | 0110;
}

// A container of the pod may put a link or a FIFO in the file's place meanwhile: O_NOFOLLOW and O_NONBLOCK.
Status add_rights(int parent, const char* name, const std::string& shown, const GroupChange& change) {
  const UniqueFd file(::openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file.valid()) return errno == ENOENT || errno == ELOOP ? Status() : fail_errno("open " + shown);
  if (::fstat(file.get(), &info) != 0) return fail_errno("stat " + shown);
  if (!S_ISREG(info.st_mode)) return {};
  if (::fchmod(file.get(), (info.st_mode & 07777U) | file_rights(change)) != 0) return fail_errno("chmod " + shown);
  return {};
}

constexpr int kDeepest = 100;  // nesting of directories in a volume

Status give_children(const UniqueFd& directory, const std::string& shown, const GroupChange& change, int depth);

// An entry that has disappeared meanwhile is skipped. Works on descriptors and follows no link: a running container of
// the pod may change the tree at the same time and must not lead the agent out of it.
Status give(int parent, const char* name, const std::string& shown, const GroupChange& change, int depth = 0) {
  struct stat info {};
  if (::fchownat(parent, name, static_cast<uid_t>(-1), change.group, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status() : fail_errno("chown " + shown);
  }
  if (S_ISREG(info.st_mode)) return add_rights(parent, name, shown, change);
  if (!S_ISDIR(info.st_mode)) return {};
  if (depth == kDeepest)
    return fail(shown + ": found deeper directories, expected at most " + std::to_string(kDeepest) + " levels");
  const UniqueFd directory(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid())
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? Status() : fail_errno("open " + shown);
  if (::fchmod(directory.get(), (info.st_mode & 07777U) | directory_rights(change)) != 0)
    return fail_errno("chmod " + shown);
  return give_children(directory, shown, change, depth + 1);
}

Status give_children(const UniqueFd& directory, const std::string& shown, const GroupChange& change, int depth) {
  UniqueFd copy(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0));
  const auto closer = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(closer)> stream(copy.valid() ? ::fdopendir(copy.get()) : nullptr, closer);
  if (!stream) return fail_errno("read directory " + shown);
  (void)copy.release();  // the stream closes it
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) return errno == 0 ? Status() : fail_errno("read directory " + shown);
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    METE_CHECK(give(directory.get(), entry->d_name, shown + "/" + entry->d_name, change, depth));
  }
}

bool has_it_already(const std::string& path, const GroupChange& change) {
  struct stat info {};
  const mode_t wanted = directory_rights(change);
  return ::stat(path.c_str(), &info) == 0 && info.st_gid == change.group && (info.st_mode & wanted) == wanted;
}

}  // namespace

Status give_to_group(const std::string& path, const GroupChange& change) {
  if (change.on_root_mismatch_only && has_it_already(path, change)) return {};
  return give(AT_FDCWD, path.c_str(), path, change);
}

}  // namespace mete::runtime::storage
