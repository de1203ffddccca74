// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup::internal {

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Error control_error(Error error, const std::string& directory, const std::string& file) {
  if (error.code == ENODEV) return error;
  if (error.code != ENOENT) return error;
  if (is_directory(directory)) {
    error.code = EOPNOTSUPP;
    error.what = directory + ": this kernel has no " + file + " here";
  } else {
    error.code = kGone;
    error.what = directory + ": the cgroup is gone";
  }
  return error;
}

Result<std::string> read_control(const std::string& directory, const std::string& file) {
  auto text = read_file(AT_FDCWD, directory + "/" + file);
  if (!text) return tl::unexpected<Error>(control_error(std::move(text.error()), directory, file));
  return text;
}

Status write_control(const std::string& directory, const std::string& file, std::string_view text) {
  auto written = runtime::write_control(AT_FDCWD, directory + "/" + file, text);
  if (!written) return tl::unexpected<Error>(control_error(std::move(written.error()), directory, file));
  return {};
}

Result<std::vector<std::string>> children(const std::string& directory) {
  // The kernel counts a directory's own two names and one of each below it: most groups are not listed at all. File
  // systems that count nothing say 1.
  constexpr nlink_t kNoneBelow = 2;
  struct stat info {};
  if (::stat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_nlink == kNoneBelow)
    return std::vector<std::string>();
  const auto closer = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(closer)> stream(::opendir(directory.c_str()), closer);
  if (!stream) {
    const int code = errno == ENOENT ? kGone : errno;
    return fail_errno("read directory " + directory, code);
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entry->d_type == DT_DIR || (entry->d_type == DT_UNKNOWN && is_directory(directory + "/" + entry->d_name))) {
      names.emplace_back(name);
    }
  }
  return names;
}

Status append_processes(const std::string& directory, bool nested, std::vector<pid_t>& pids) {
  auto listed = read_control(directory, "cgroup.procs");
  // A threaded v2 group has no cgroup.procs to read; its processes are listed by the group above.
  if (!listed && listed.error().code != EOPNOTSUPP) return tl::unexpected<Error>(std::move(listed.error()));
  for (std::string_view rest = listed ? std::string_view(*listed) : std::string_view(); !rest.empty();) {
    const auto pid = parse_u64(next_line(rest));
    if (pid && *pid > 0) pids.push_back(static_cast<pid_t>(*pid));
  }
  if (!nested) return {};
  METE_TRY(const auto below, children(directory));
  for (const std::string& name : below) {
    std::string nested_directory = directory;
    nested_directory.append("/").append(name);
    auto got = append_processes(nested_directory, true, pids);
    if (!got && !is_gone(got.error())) return got;  // a nested group may end while we look
  }
  return {};
}

namespace {

bool lists(std::string_view words, std::string_view wanted) {
  for (std::string_view word = next_word(words); !word.empty(); word = next_word(words)) {
    if (word == wanted) return true;
  }
  return false;
}

}  // namespace

Status enable_controllers(const std::string& mount, const std::string& path,
                          const std::vector<std::string_view>& controllers) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || controllers.empty()) return {};
  // A controller that the parent passes on is passed on by all groups above it, too: if none is missing, one read is
  // enough.
  const std::string parent = path.substr(0, slash);
  METE_TRY(const std::string passed_on, read_control(mount + parent, "cgroup.subtree_control"));
  std::vector<std::string_view> missing;
  for (const std::string_view controller : controllers) {
    if (!lists(passed_on, controller)) missing.push_back(controller);
  }
  if (missing.empty()) return {};
  METE_CHECK(enable_controllers(mount, parent, missing));
  for (const std::string_view controller : missing) {
    auto enabled = write_control(mount + parent, "cgroup.subtree_control", "+" + std::string(controller));
    if (!enabled && enabled.error().code == EBUSY) {
      enabled.error().what += " (this cgroup has processes of its own; cgroup v2 wants them in a child group)";
    }
    METE_CHECK(std::move(enabled));
  }
  return {};
}

}  // namespace mete::runtime::cgroup::internal
