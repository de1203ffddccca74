// SPDX-License-Identifier: Apache-2.0
// Whole-file helpers over directory fds. `dir` is AT_FDCWD or an open directory; all paths are relative to it or
// absolute.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime {

// openat with O_CLOEXEC added. The error names the path.
[[nodiscard]] Result<UniqueFd> open_at(int dir, const std::string& path, int flags, mode_t mode = 0);

// Everything the file has, at most `limit` bytes; more is an error, not a cut.
[[nodiscard]] Result<std::string> read_file(int dir, const std::string& path, std::size_t limit = 16U << 20U);

// The same of an open descriptor, from where it stands; `shown` names it in errors.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& shown, std::size_t limit = 16U << 20U);

// Writes all of it to an open descriptor (a short write is continued, EINTR retried).
[[nodiscard]] Status write_all(int fd, std::string_view text);

// One write to an existing control file (cgroup, procfs): opened O_WRONLY, never created, never truncated.
[[nodiscard]] Status write_control(int dir, const std::string& path, std::string_view text);

// Replaces the file as a whole: a temporary beside it, fsync, rename, fsync of the directory.
// After a crash at any point either the old or the new text is there. `volatile_`: without the fsyncs, for what has no
// meaning after a reboot.
enum class Durability { durable, volatile_ };
[[nodiscard]] Status replace_file(const std::string& path, std::string_view text, mode_t mode = 0600,
                                  Durability durability = Durability::durable);

// Its two halves, for several files that are to change together: all are staged (as PATH.tmp), then all committed.
[[nodiscard]] Status stage_file(const std::string& path, std::string_view text, mode_t mode, Durability durability);
[[nodiscard]] Status commit_file(const std::string& path, Durability durability);
void unstage_file(const std::string& path);

// mkdir -p. An existing directory is fine.
[[nodiscard]] Status make_directories(const std::string& path, mode_t mode = 0755);

// rm -rf that never follows a symbolic link and never leaves the file system of `path` (a mount below it is an
// error). A missing path is fine.
[[nodiscard]] Status remove_tree(const std::string& path);

}  // namespace mete::runtime
