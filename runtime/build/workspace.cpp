// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/workspace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

#include "runtime/cgroup/kill.h"
#include "runtime/file.h"
#include "runtime/image/layer_lock.h"

namespace mete::runtime::build {
namespace {

constexpr const char* kGroupFile = "/cgroup";
constexpr std::size_t kPage = 4096;  // mount(2) takes at most one page of options

std::string work_folder(const std::string& store) {
  return store + "/build/work";
}

// Has two directories without content. They stay for the next build.
std::string empty_folder(const std::string& store) {
  return store + "/build/empty";
}

Result<std::string> random_id() {
  unsigned char bytes[6];
  if (::getrandom(&bytes[0], sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return fail_errno("getrandom");
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

// Nothing: a build that lives holds it.
Result<UniqueFd> lock_now(const std::string& path) {
  METE_TRY(UniqueFd fd, open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return UniqueFd();
    if (errno != EINTR) return fail_errno("lock " + path);
  }
  return fd;
}

// The lines of kGroupFile: the build's cgroup, then its ancestors that builds have made, the innermost first.
std::vector<std::string> recorded_groups(const std::string& directory) {
  std::vector<std::string> paths;
  std::istringstream lines(read_file(AT_FDCWD, directory + kGroupFile).value_or(""));
  for (std::string line; std::getline(lines, line);) paths.push_back(line);
  return paths;
}

// Not Group::remove(): another build may be about to use what it has made in it.
void remove_if_empty(const cgroup::Group& group) {
  for (const std::string& file : group.procs_files()) (void)::rmdir(file.substr(0, file.rfind('/')).c_str());
}

Status remove_build(const std::string& directory, const cgroup::Hierarchies& hierarchies) {
  const auto paths = recorded_groups(directory);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    METE_TRY(const cgroup::Group group, cgroup::Group::at(hierarchies, paths[i]));
    if (i == 0) {
      METE_CHECK(end_group(group));
    } else {
      remove_if_empty(group);
    }
  }
  return remove_tree(directory);
}

// Those ancestors of a build's cgroup that are not there yet, or that another build has made: the innermost first.
Result<std::vector<std::string>> ancestors_of_builds(const std::string& store, const std::string& parent,
                                                     const cgroup::Hierarchies& hierarchies) {
  std::set<std::string> recorded;
  std::error_code error;
  for (std::filesystem::directory_iterator at(work_folder(store), error), end; !error && at != end;
       at.increment(error)) {
    const auto paths = recorded_groups(at->path());
    if (!paths.empty()) recorded.insert(paths.begin() + 1, paths.end());
  }
  std::vector<std::string> ancestors;
  for (std::string path = parent; path.size() > 1; path.resize(path.rfind('/'))) {
    METE_TRY(const cgroup::Group group, cgroup::Group::at(hierarchies, path));
    if (group.exists() && !recorded.contains(path)) break;
    ancestors.push_back(path);
  }
  return ancestors;
}

Status mount_overlay(const std::string& layers, const std::string& options, const std::string& target) {
  METE_TRY(const UniqueFd before, open_at(AT_FDCWD, ".", O_PATH | O_DIRECTORY));
  if (::chdir(layers.c_str()) != 0) return fail_errno("change directory to " + layers);
  const int error = ::mount("overlay", target.c_str(), "overlay", MS_NODEV, options.c_str()) == 0 ? 0 : errno;
  if (::fchdir(before.get()) != 0) return fail_errno("change back to the working directory");
  return error == 0 ? Status() : fail_errno("mount the layers of a build", error);
}

}  // namespace

MountedTree::~MountedTree() {
  if (root_.valid()) (void)::umount2(path_.c_str(), MNT_DETACH);
}

Status end_group(const cgroup::Group& group) {
  constexpr int kTries = 1000;
  if (!group.exists()) return {};
  METE_CHECK(cgroup::kill_at_once(group));
  Status removed;
  for (int i = 0; i < kTries; ++i) {
    removed = group.remove();
    if (removed || !cgroup::is_busy(removed.error())) return removed;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return removed;
}

Status remove_left_builds(const std::string& store, const cgroup::Hierarchies& hierarchies) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(work_folder(store), error), end; !error && at != end;
       at.increment(error)) {
    const std::string path = at->path();
    if (!path.ends_with(".lock")) continue;
    METE_TRY(const UniqueFd lock, lock_now(path));
    if (!lock.valid()) continue;
    METE_CHECK(remove_build(path.substr(0, path.size() - 5), hierarchies));
    (void)::unlink(path.c_str());
  }
  if (error) return fail_errno("read directory " + work_folder(store), error.value());
  return image::remove_left_layers(store);
}

Result<Workspace> Workspace::begin(const std::string& store, const cgroup::Hierarchies& hierarchies) {
  METE_CHECK(make_directories(work_folder(store), 0700));
  METE_CHECK(remove_left_builds(store, hierarchies));
  METE_TRY(std::string id, random_id());
  METE_TRY(UniqueFd lock, lock_now(work_folder(store) + "/" + id + ".lock"));
  if (!lock.valid()) return fail(work_folder(store) + "/" + id + ".lock: found it locked, expected a new file");
  Workspace workspace(store, std::move(id), std::move(lock), hierarchies);
  METE_CHECK(make_directories(workspace.directory_, 0700));
  if (::unshare(CLONE_NEWNS) != 0) return fail_errno("enter a mount namespace for the build");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return fail_errno("keep mounts of the build from the host");
  return workspace;
}

Workspace::~Workspace() {
  if (!lock_.valid()) return;
  if (!remove_build(directory_, *hierarchies_)) return;  // the next build tries again
  (void)::unlink((directory_ + ".lock").c_str());
}

std::string Workspace::new_path() {
  return directory_ + "/" + std::to_string(++*made_);
}

Result<std::string> Workspace::make_directory() {
  std::string path = new_path();
  // Users of a container may look through it; the directory above is for root only.
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) return fail_errno("mkdir " + path);
  return path;
}

Result<MountedTree> Workspace::mount_layers(const std::vector<std::string>& lowers, const std::string& upper) {
  const std::string empty = empty_folder(store_);
  for (const char* name : {"/a", "/b"}) METE_CHECK(make_directories(empty + name));
  std::string options = "lowerdir=";
  for (const std::string& lower : lowers) options += lower + ":";
  // overlayfs wants two directories without an upper one, else one.
  options += empty + "/a";
  if (lowers.empty()) options += ":" + empty + "/b";
  if (!upper.empty()) {
    METE_TRY(const std::string work, make_directory());
    // Whoever keeps the directory brings it to disk as a whole; until then nobody needs what an fsync() would save.
    options += ",upperdir=" + upper + ",workdir=" + work + ",volatile";
  }
  // A layer holds whole files at their own places.
  options += ",redirect_dir=off,metacopy=off";
  if (options.size() >= kPage)
    return fail("found " + std::to_string(lowers.size()) +
                " layers below this step, expected fewer: their names exceed what one mount takes");
  METE_TRY(std::string target, make_directory());
  METE_CHECK(mount_overlay(store_ + "/layers", options, target));
  auto root = open_at(AT_FDCWD, target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!root) (void)::umount2(target.c_str(), MNT_DETACH);
  if (!root) return tl::unexpected(std::move(root.error()));
  return MountedTree(std::move(target), std::move(*root));
}

Result<MountedTree> Workspace::mount_memory() {
  METE_TRY(std::string target, make_directory());
  if (::mount("tmpfs", target.c_str(), "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755,size=16m,noswap") != 0 &&
      ::mount("tmpfs", target.c_str(), "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755,size=16m") != 0)
    return fail_errno("mount memory for the secrets of a build");
  auto root = open_at(AT_FDCWD, target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!root) (void)::umount2(target.c_str(), MNT_DETACH);
  if (!root) return tl::unexpected(std::move(root.error()));
  return MountedTree(std::move(target), std::move(*root));
}

Result<cgroup::Group> Workspace::group(const std::string& parent) {
  const std::string path = (parent == "/" ? "" : parent) + "/build-" + id_;
  METE_TRY(cgroup::Group group, cgroup::Group::at(*hierarchies_, path));
  if (::access((directory_ + kGroupFile).c_str(), F_OK) == 0) return group;
  // Recorded before it is made: whoever removes this build finds it.
  METE_TRY(const auto ancestors, ancestors_of_builds(store_, parent, *hierarchies_));
  std::string record = path + "\n";
  for (const std::string& each : ancestors) record += each + "\n";
  METE_CHECK(replace_file(directory_ + kGroupFile, record, 0600, Durability::volatile_));
  METE_CHECK(group.create());
  return group;
}

}  // namespace mete::runtime::build
