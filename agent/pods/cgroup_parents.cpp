// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/cgroup_parents.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::size_t kLongest = 1024;  // all of it: the kernel's paths have 4096 with what is below

std::string notes_of(const Settings& settings) {
  return settings.run + "/cgroup-parents";
}

std::string note_of(const Settings& settings, std::string below) {
  std::replace(below.begin(), below.end(), '/', '_');
  return notes_of(settings) + "/" + below;
}

// "team/web" -> "team/web", "team".
std::vector<std::string> all_of(std::string below) {
  std::vector<std::string> all;
  while (!below.empty()) {
    all.push_back(below);
    const auto slash = below.rfind('/');
    below.resize(slash == std::string::npos ? 0 : slash);
  }
  return all;
}

// Alone: what is in it is not the agent's. False: something is.
bool remove_one(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies, const std::string& below) {
  bool gone = true;
  for (const auto& mount : runtime::cgroup::process_mounts(hierarchies)) {
    const std::string directory = mount + settings.cgroup_parent + "/" + below;
    gone &= ::rmdir(directory.c_str()) == 0 || errno == ENOENT;
  }
  if (gone) (void)::unlink(note_of(settings, below).c_str());
  return gone;
}

}  // namespace

bool is_parents_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '@';
  };
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_plain);
}

Result<std::string> cgroup_parent_below(const std::string& root, const std::string& asked) {
  const std::string found = "found cgroup parent \"" + asked.substr(0, 80) + "\", expected ";
  std::string below = asked;
  if (asked.starts_with('/')) {
    if (asked != root && !asked.starts_with(root + "/"))
      return fail(found + "one in " + root + ", where all containers of this agent are: " + root + "/NAME, or NAME");
    below = asked.substr(root.size());
  }
  while (below.starts_with('/')) below.erase(0, 1);
  while (below.ends_with('/')) below.pop_back();
  if (below.size() > kLongest) return fail(found + "at most " + std::to_string(kLongest) + " characters");
  for (const auto& each : all_of(below)) {
    if (!is_parents_name(each.substr(each.rfind('/') + 1)))
      return fail(found + "names of letters, digits, '.', '-', ':' and '@': a '_' is in the names of pods");
  }
  return below;
}

Status note_missing_parents(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies,
                            const std::string& below) {
  for (const auto& each : all_of(below)) {
    METE_TRY(const auto group, runtime::cgroup::Group::at(hierarchies, settings.cgroup_parent + "/" + each));
    if (group.id_anywhere()) return {};  // and so are those above it
    METE_CHECK(runtime::make_directories(notes_of(settings)));
    METE_CHECK(runtime::replace_file(note_of(settings, each), "", 0600, runtime::Durability::volatile_));
  }
  return {};
}

void remove_empty_parents(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies,
                          const std::string& below) {
  for (const auto& each : all_of(below)) {
    if (::access(note_of(settings, each).c_str(), F_OK) != 0 || !remove_one(settings, hierarchies, each)) return;
  }
}

void remove_all_empty_parents(const Settings& settings, const runtime::cgroup::Hierarchies& hierarchies) {
  std::vector<std::string> noted;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(notes_of(settings), ignored))
    noted.push_back(entry.path().filename().string());
  // What is in one before it.
  std::sort(noted.begin(), noted.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (auto& each : noted) {
    std::replace(each.begin(), each.end(), '_', '/');
    (void)remove_one(settings, hierarchies, each);
  }
}

}  // namespace mete::agent
