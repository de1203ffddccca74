// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/volume_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>

#include "runtime/file.h"
#include "runtime/storage/volume_group.h"

namespace mete::runtime::storage {
namespace {

constexpr const char* kData = "..data";
constexpr const char* kNextData = "..data_tmp";

std::string first_part(const std::string& path) {
  return path.substr(0, path.find('/'));
}

std::set<std::string> entries_of(const std::string& directory) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    names.insert(entry.path().filename().string());
  return names;
}

std::string target_of(const std::string& link) {
  char text[256];
  const ssize_t length = ::readlink(link.c_str(), text, sizeof text);
  return {text, length > 0 ? static_cast<std::size_t>(length) : 0};
}

// fsGroup adds rights to the mode, which is no change of the files.
bool has_mode(const struct stat& info, const PlainFile& file, const std::optional<std::uint32_t>& group) {
  const mode_t mode = info.st_mode & 07777U;
  return group ? (mode & file.mode) == file.mode && info.st_gid == *group : mode == file.mode;
}

bool holds(const std::string& version, const std::vector<PlainFile>& files, const std::optional<std::uint32_t>& group) {
  std::error_code failed;
  std::size_t there = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(version, failed))
    there += entry.is_directory(failed) ? 0 : 1;
  if (failed || there != files.size()) return false;
  return std::all_of(files.begin(), files.end(), [&](const PlainFile& file) {
    const std::string path = version + "/" + file.path;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || !has_mode(info, file, group)) return false;
    const auto text = read_file(AT_FDCWD, path);
    return text && *text == file.content;
  });
}

Status write_version(const std::string& directory, const std::vector<PlainFile>& files,
                     const std::optional<std::uint32_t>& group) {
  METE_CHECK(make_directories(directory));
  for (const auto& file : files) {
    const std::string path = directory + "/" + file.path;
    METE_CHECK(make_directories(path.substr(0, path.rfind('/'))));
    METE_CHECK(replace_file(path, file.content, file.mode, Durability::volatile_));
    if (::chmod(path.c_str(), file.mode) != 0) return fail_errno("chmod " + path);
  }
  if (!group) return {};
  return give_to_group(directory, {.group = *group, .read_only = true, .on_root_mismatch_only = false});
}

Status place_link(const std::string& target, const std::string& path) {
  if (target_of(path) == target) return {};
  const std::string next = path.substr(0, path.rfind('/')) + "/..link_tmp";  // no key begins so
  (void)!::unlink(next.c_str());
  if (::symlink(target.c_str(), next.c_str()) != 0) return fail_errno("link " + next);
  struct stat info {};
  // Of an agent that wrote plain files and folders here.
  if (::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) METE_CHECK(remove_tree(path));
  if (::rename(next.c_str(), path.c_str()) != 0) return fail_errno("rename " + next);
  return {};
}

// Only the agent writes here, so what no file is named by is of an earlier version.
Status tidy(const std::string& volume, const std::string& version, const std::set<std::string>& wanted) {
  for (const auto& name : entries_of(volume)) {
    const bool kept = name == kData || name == version || wanted.contains(name);
    if (!kept) METE_CHECK(remove_tree(volume + "/" + name));
  }
  return {};
}

}  // namespace

std::string version_name(std::chrono::system_clock::time_point at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const std::time_t time = std::chrono::system_clock::to_time_t(seconds);
  struct tm parts {};
  ::gmtime_r(&time, &parts);
  char day[64];
  std::strftime(day, sizeof day, "..%Y_%m_%d_%H_%M_%S", &parts);
  char text[96];
  std::snprintf(text, sizeof text, "%s.%09ld", day,
                static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(at - seconds).count()));
  return text;
}

Result<bool> exchange_files(const std::string& volume, const std::vector<PlainFile>& files,
                            std::optional<std::uint32_t> group) {
  const std::string data = volume + "/" + kData;
  std::set<std::string> wanted;
  for (const auto& file : files) wanted.insert(first_part(file.path));
  std::string version = target_of(data);
  const bool same = !version.empty() && holds(volume + "/" + version, files, group);
  if (!same) {
    version = version_name(std::chrono::system_clock::now());
    if (auto written = write_version(volume + "/" + version, files, group); !written) {
      (void)remove_tree(volume + "/" + version);
      return tl::unexpected(std::move(written.error()));
    }
    const std::string next = volume + "/" + kNextData;
    (void)!::unlink(next.c_str());
    if (::symlink(version.c_str(), next.c_str()) != 0) return fail_errno("link " + next);
    if (::rename(next.c_str(), data.c_str()) != 0) return fail_errno("rename " + next);
  }
  // Also where the files were there: an agent may have died in between.
  for (const auto& name : wanted) METE_CHECK(place_link(std::string(kData) + "/" + name, volume + "/" + name));
  METE_CHECK(tidy(volume, version, wanted));
  return !same;
}

}  // namespace mete::runtime::storage
