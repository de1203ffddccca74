// SPDX-License-Identifier: Apache-2.0
// Paths, making and removing. Limits are in apply.cpp, processes in kill.cpp, wake-ups in oom.cpp.
#include "runtime/cgroup/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "runtime/cgroup/create.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

using internal::is_directory;

// The controllers that every container needs. hugetlb and others are enabled when a limit asks for them.
constexpr std::array<std::string_view, 5> kV2Controllers = {"cpu", "memory", "io", "pids", "cpuset"};

Status check_path(const std::string& path) {
  if (path == "/") return {};
  const auto bad = [&](std::string_view why) { return fail("cgroup path \"" + path + "\": " + std::string(why)); };
  if (path.empty() || path.front() != '/') return bad("expected it to begin with \"/\"");
  if (path.find('\0') != std::string::npos || path.find('\n') != std::string::npos) {
    return bad("found a control character");
  }
  std::string_view rest(path);
  rest.remove_prefix(1);
  while (true) {
    const bool last = rest.find('/') == std::string_view::npos;
    const std::string_view part = next_part(rest, '/');
    if (part.empty()) return bad("found an empty component");
    if (part == "." || part == "..") return bad("found \"" + std::string(part) + "\", expected names");
    if (last) return {};
  }
}

std::string in(std::string_view mount, const std::string& path) {
  return path == "/" ? std::string(mount) : std::string(mount) + path;
}

// mkdir of mount + path; what was made is noted, deepest last. The common case is one call.
Status make_below(const std::string& mount, const std::string& path, std::vector<std::string>& made) {
  const std::string directory = mount + path;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (::mkdir(directory.c_str(), 0755) == 0) {
      made.push_back(directory);
      return {};
    }
    if (errno == EEXIST) return {};
    const std::size_t slash = path.rfind('/');
    if (errno != ENOENT || slash == 0) return fail_errno("mkdir " + directory);
    METE_CHECK(make_below(mount, path.substr(0, slash), made));
  }
  return fail_errno("mkdir " + directory, ENOENT);
}

struct Cpuset {
  std::string cpus;
  std::string mems;
};

// A v1 group whose cpuset.cpus or cpuset.mems is empty takes no tasks; the kernel does not inherit them. What is in
// force then.
Result<Cpuset> fill_cpuset(const std::string& mount, const std::string& path) {
  const std::string directory = mount + path;
  METE_TRY(std::string cpus, internal::read_control(directory, "cpuset.cpus"));
  METE_TRY(std::string mems, internal::read_control(directory, "cpuset.mems"));
  Cpuset own{std::string(trim(cpus)), std::string(trim(mems))};
  const std::size_t slash = path.rfind('/');
  if ((!own.cpus.empty() && !own.mems.empty()) || slash == std::string::npos) return own;
  METE_TRY(Cpuset parent, fill_cpuset(mount, path.substr(0, slash)));
  if (own.cpus.empty()) {
    METE_CHECK(internal::write_control(directory, "cpuset.cpus", parent.cpus));
    own.cpus = std::move(parent.cpus);
  }
  if (own.mems.empty()) {
    METE_CHECK(internal::write_control(directory, "cpuset.mems", parent.mems));
    own.mems = std::move(parent.mems);
  }
  return own;
}

Status make_unified(const Hierarchies& hierarchies, const std::string& path, std::vector<std::string>& made) {
  if (hierarchies.v2_mount.empty()) return {};
  METE_CHECK(make_below(hierarchies.v2_mount, path, made));
  std::vector<std::string_view> wanted;
  for (const std::string_view controller : kV2Controllers) {
    if (hierarchies.on_v2(controller) && !hierarchies.on_v1(controller)) wanted.push_back(controller);
  }
  return internal::enable_controllers(hierarchies.v2_mount, path, wanted);
}

// After a failure nothing that was made stays.
Status or_unmake(Status done, std::vector<std::string>& made) {
  while (!done && !made.empty()) {
    ::rmdir(made.back().c_str());
    made.pop_back();
  }
  return done;
}

// In all hierarchies. True: each of them had none.
Result<bool> make_all(const Hierarchies& hierarchies, const std::string& path) {
  std::vector<std::string> made;
  const auto make = [&]() -> Status {
    for (const std::string& mount : hierarchies.v1_process_mounts()) METE_CHECK(make_below(mount, path, made));
    if (const auto cpuset = hierarchies.v1.find("cpuset"); cpuset != hierarchies.v1.end()) {
      METE_TRY(const Cpuset in_force, fill_cpuset(cpuset->second, path));
      (void)in_force;
    }
    return make_unified(hierarchies, path, made);
  };
  METE_CHECK(or_unmake(make(), made));
  const auto is_made = [&](const std::string& mount) {
    return std::find(made.begin(), made.end(), in(mount, path)) != made.end();
  };
  const auto v1 = hierarchies.v1_process_mounts();
  return std::all_of(v1.begin(), v1.end(), is_made) && (hierarchies.v2_mount.empty() || is_made(hierarchies.v2_mount));
}

Status remove_below(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
  if (errno != EBUSY && errno != ENOTEMPTY) return fail_errno("rmdir " + directory);
  const auto below = internal::children(directory);
  if (!below) return is_gone(below.error()) ? Status() : tl::unexpected<Error>(below.error());
  Status first;
  for (const std::string& name : *below) {
    std::string nested = directory;
    nested.append("/").append(name);
    auto removed = remove_below(nested);
    if (!removed && first) first = std::move(removed);
  }
  METE_CHECK(std::move(first));
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("rmdir " + directory, errno == ENOTEMPTY ? kBusy : errno);
}

}  // namespace

Result<bool> create_anew(const Group& group) {
  if (group.path() == "/") return false;
  return make_all(group.hierarchies(), group.path());
}

Result<Group> Group::at(const Hierarchies& hierarchies, std::string path) {
  METE_CHECK(check_path(path));
  return Group(&hierarchies, std::move(path));
}

Result<Group> Group::child(const std::string& name) const {
  return at(*hierarchies_, path_ == "/" ? path_ + name : path_ + "/" + name);
}

std::string Group::directory(std::string_view controller) const {
  if (controller.empty()) return unified_directory();
  const std::string_view mount = hierarchies_->mount_of(controller);
  return mount.empty() ? std::string() : in(mount, path_);
}

std::string Group::unified_directory() const {
  return hierarchies_->v2_mount.empty() ? std::string() : in(hierarchies_->v2_mount, path_);
}

std::vector<std::string> Group::directories() const {
  std::vector<std::string> all = hierarchies_->v1_process_mounts();
  if (!hierarchies_->v2_mount.empty()) all.push_back(hierarchies_->v2_mount);
  for (std::string& mount : all) mount = in(mount, path_);
  return all;
}

std::string Group::primary_directory() const {
  if (!hierarchies_->v2_mount.empty()) return unified_directory();
  std::string memory = directory("memory");
  if (!memory.empty()) return memory;
  return in(hierarchies_->v1.begin()->second, path_);
}

Status Group::create() const {
  METE_TRY(const bool anew, create_anew(*this));
  (void)anew;
  return {};
}

Status Group::create_unified() const {
  if (path_ == "/") return {};
  std::vector<std::string> made;
  return or_unmake(make_unified(*hierarchies_, path_, made), made);
}

bool Group::exists() const {
  return is_directory(primary_directory());
}

Status Group::remove() const {
  if (path_ == "/") return fail("cgroup \"/\": expected a group below the root to remove");
  Status first;
  // All are tried: what can go, goes, and the next call has less to do.
  for (const std::string& directory : directories()) {
    auto removed = remove_below(directory);
    if (!removed && first) first = std::move(removed);
  }
  return first;
}

Result<std::uint64_t> Group::id() const {
  const std::string directory = primary_directory();
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return fail_errno("stat " + directory, errno == ENOENT ? kGone : errno);
  return static_cast<std::uint64_t>(info.st_ino);
}

Result<std::uint64_t> Group::id_anywhere() const {
  auto primary = id();
  if (primary || !is_gone(primary.error())) return primary;
  constexpr std::uint64_t kNotPrimary = std::uint64_t{1} << 63;
  for (const auto& directory : directories()) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) == 0) return info.st_ino | kNotPrimary;
  }
  return primary;
}

std::vector<std::string> Group::procs_files() const {
  std::vector<std::string> files = directories();
  for (std::string& file : files) file += "/cgroup.procs";
  return files;
}

Status Group::attach(pid_t pid) const {
  for (const std::string& directory : directories()) {
    METE_CHECK(internal::write_control(directory, "cgroup.procs", std::to_string(pid)));
  }
  return {};
}

Result<std::string> Group::read(std::string_view controller, const std::string& file) const {
  const std::string in_directory = directory(controller);
  if (in_directory.empty()) {
    return fail_errno(file + ": this machine has no cgroup controller \"" + std::string(controller) + "\"", EOPNOTSUPP);
  }
  return internal::read_control(in_directory, file);
}

Status Group::write(std::string_view controller, const std::string& file, std::string_view text) const {
  const std::string in_directory = directory(controller);
  if (in_directory.empty()) {
    return fail_errno(file + ": this machine has no cgroup controller \"" + std::string(controller) + "\"", EOPNOTSUPP);
  }
  return internal::write_control(in_directory, file, text);
}

}  // namespace mete::runtime::cgroup
