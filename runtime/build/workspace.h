// SPDX-License-Identifier: Apache-2.0
// What a build makes that is not an image yet: STORE/build/work/ID with a lock beside it, in a mount namespace of this
// process's own. However the process ends, its mounts are gone, and the next build removes the directory and the
// cgroup.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::runtime::build {

// A mounted tree. Unmounted when this goes.
class MountedTree {
 public:
  MountedTree(std::string path, UniqueFd root) : path_(std::move(path)), root_(std::move(root)) {}
  MountedTree(MountedTree&&) = default;
  MountedTree& operator=(MountedTree&&) = delete;
  ~MountedTree();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int root() const { return root_.get(); }

 private:
  std::string path_;
  UniqueFd root_;
};

class Workspace {
 public:
  // `store` is the image store's directory. Enters a mount namespace of its own; the process has one thread.
  [[nodiscard]] static Result<Workspace> begin(const std::string& store, const cgroup::Hierarchies& hierarchies);
  Workspace(Workspace&& other) noexcept = default;
  Workspace& operator=(Workspace&&) = delete;
  ~Workspace();

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  // A new, empty directory, and the path of a new file. From several threads, as the mounts are.
  [[nodiscard]] Result<std::string> make_directory();
  [[nodiscard]] std::string new_path();

  // `lowers`, topmost first, are names of layers or absolute paths. With `upper` changes go there; else the tree can
  // only be read.
  [[nodiscard]] Result<MountedTree> mount_layers(const std::vector<std::string>& lowers, const std::string& upper = "");
  // A new tmpfs: what is in it is in memory alone.
  [[nodiscard]] Result<MountedTree> mount_memory();

  // The cgroup of this build below `parent`, made at the first call. A parent that builds have made goes with the last
  // of them.
  [[nodiscard]] Result<cgroup::Group> group(const std::string& parent);

 private:
  Workspace(std::string store, std::string id, UniqueFd lock, const cgroup::Hierarchies& hierarchies)
      : store_(std::move(store)),
        id_(std::move(id)),
        directory_(store_ + "/build/work/" + id_),
        lock_(std::move(lock)),
        hierarchies_(&hierarchies) {}
  std::string store_;
  std::string id_;
  std::string directory_;
  UniqueFd lock_;
  const cgroup::Hierarchies* hierarchies_;
  std::unique_ptr<std::atomic<int>> made_ = std::make_unique<std::atomic<int>>(0);
};

// Removes what builds have left that are gone, their locks of layers included. Called by begin(), and by who watches
// over a build (guard.h).
[[nodiscard]] Status remove_left_builds(const std::string& store, const cgroup::Hierarchies& hierarchies);

// Kills what is in the group, waits for it to end for at most ten seconds, and removes the group.
[[nodiscard]] Status end_group(const cgroup::Group& group);

}  // namespace mete::runtime::build
