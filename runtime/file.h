// SPDX-License-Identifier: Apache-2.0
// Whole-file helpers over directory fds. `dir` is AT_FDCWD or an open directory; all paths are relative to it or
// absolute.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime {

// openat with O_CLOEXEC added. The error names the path.
[[nodiscard]] Result<UniqueFd> open_at(int dir, const std::string& path, int flags, mode_t mode = 0);

// Reads the whole file. A file of more than `limit` bytes is an error; the text is never cut.
[[nodiscard]] Result<std::string> read_file(int dir, const std::string& path, std::size_t limit = 16U << 20U);

// The same for an open descriptor, from its current offset; `shown` names the descriptor in errors.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& shown, std::size_t limit = 16U << 20U);

// Writes all of `text` to an open descriptor: continues short writes, retries EINTR.
[[nodiscard]] Status write_all(int fd, std::string_view text);

// One write to an existing control file (cgroup, procfs): opened O_WRONLY, never created, never truncated.
[[nodiscard]] Status write_control(int dir, const std::string& path, std::string_view text);

// Replaces a file atomically: writes a temporary file beside it, fsyncs it, renames it, fsyncs the directory. After a
// crash at any point the file holds either the old or the new text. Several may do it at once, of which one is the
// last. Durability::volatile_ leaves out both fsyncs; it is for files that have no meaning after a reboot.
enum class Durability { durable, volatile_ };
[[nodiscard]] Status replace_file(const std::string& path, std::string_view text, mode_t mode = 0600,
                                  Durability durability = Durability::durable);

// The two halves of replace_file(), for several files that must change together: the caller stages all of them (as
// PATH.tmp), then commits all of them. unstage_file() removes PATH.tmp and ignores errors.
[[nodiscard]] Status stage_file(const std::string& path, std::string_view text, mode_t mode, Durability durability);
[[nodiscard]] Status commit_file(const std::string& path, Durability durability);
void unstage_file(const std::string& path);

// mkdir -p. An existing directory is not an error.
[[nodiscard]] Status make_directories(const std::string& path, mode_t mode = 0755);

// rm -rf that never follows a symbolic link and never leaves the file system of `path`: a mount point below `path` is
// an error. A missing path is not an error.
[[nodiscard]] Status remove_tree(const std::string& path);

}  // namespace mete::runtime
