// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan/sub_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string_view>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

constexpr mode_t kModeAbove = 0755;
constexpr mode_t kTaken = 0777 | S_ISGID;  // of the volume's mode

using Text = std::array<char, PATH_MAX>;

int close_with_errno(int fd) {
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

void copy(std::string_view part, Text& text) {
  std::memcpy(text.data(), part.data(), part.size());
  text[part.size()] = '\0';
}

// Makes the folder that is missing at the end of `path` and opens it. A container of the pod may be at work in the
// volume: what is opened is what was made, or nothing. Without a mode it has that of those above the last one, and the
// set-group-ID bit of the folder that it is in, as the kernel gives it.
int make_folder(int volume, std::string_view path, std::optional<mode_t> mode) {
  const auto slash = path.rfind('/');
  const bool is_first = slash == std::string_view::npos;
  Text text;
  copy(is_first ? "." : path.substr(0, slash), text);
  const int above = open_inside(volume, text.data(), O_PATH | O_DIRECTORY);
  if (above < 0) return -1;
  copy(path.substr(is_first ? 0 : slash + 1), text);
  if (::mkdirat(above, text.data(), kModeAbove) != 0) return close_with_errno(above);
  const int made = ::openat(above, text.data(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (made < 0) return close_with_errno(above);
  ::close(above);
  // The umask is somebody else's, and mkdir(2) takes no set-group-ID bit.
  return !mode || ::fchmod(made, *mode) == 0 ? made : close_with_errno(made);
}

}  // namespace

int open_sub_path(int volume, const char* path) {
  int inside = open_inside(volume, path, O_PATH);
  if (inside >= 0 || errno != ENOENT) return inside;
  const std::string_view whole = path;
  struct stat info {};
  if (::fstat(volume, &info) != 0) return -1;
  if (whole.size() >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (std::size_t at = 0; at < whole.size();) {
    at = std::min(whole.find('/', at + 1), whole.size());
    const std::string_view part = whole.substr(0, at);
    if (part.ends_with('/')) continue;
    if (inside >= 0) ::close(inside);
    Text text;
    copy(part, text);
    inside = open_inside(volume, text.data(), O_PATH);
    if (inside < 0 && errno == ENOENT)
      inside = make_folder(volume, part, at == whole.size() ? std::optional(info.st_mode & kTaken) : std::nullopt);
    if (inside < 0) return -1;
  }
  return inside;
}

}  // namespace mete::runtime::process
