// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/prune_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/build/build_layers.h"
#include "runtime/build/step_cache.h"
#include "runtime/file.h"
#include "runtime/image/tree.h"

namespace mete::runtime::build {
namespace {

constexpr std::size_t kIdLength = 25;  // as docker's

// In order, so that two calls say the same.
std::vector<std::string> names_of(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

bool is_old(const std::string& path, const PruneWhat& what) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return false;
  return !what.unused_since || std::chrono::system_clock::from_time_t(info.st_mtim.tv_sec) < *what.unused_since;
}

bool is_locked(const std::string& path) {
  const auto fd = open_at(AT_FDCWD, path, O_RDWR | O_NOFOLLOW);
  return fd && ::flock(fd->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

bool build_runs(const std::string& builds) {
  for (const std::string& name : names_of(builds + "/work")) {
    if (name.ends_with(".lock") && is_locked(builds + "/work/" + name)) return true;
  }
  return false;
}

class Pruning {
 public:
  Pruning(image::Store& store, const PruneWhat& what)
      : store_(store), what_(what), builds_(store.directory() + "/build") {}

  Result<PrunedCache> run(const std::vector<std::string>& in_use) {
    METE_TRY(const auto images, store_.list());
    for (const auto& each : images) of_images_.insert(each.layers.begin(), each.layers.end());
    forget_steps();
    METE_CHECK(remove_layers(in_use));
    if (what_.all && !build_runs(builds_)) METE_CHECK(remove_mounts());
    return std::move(pruned_);
  }

 private:
  void forget_steps() {
    for (const std::string& key : names_of(builds_ + "/cache")) {
      if (key.find('.') != std::string::npos) continue;  // a build is writing it
      const std::string path = builds_ + "/cache/" + key;
      const auto text = read_file(AT_FDCWD, path);
      const auto step = text ? parse_cached_step(*text) : tl::unexpected(text.error());
      const std::string layer = step && !step->diff_id.empty() ? layer_of(step->diff_id) : "";
      const bool dangling = !step || (!layer.empty() && !of_images_.contains(layer));
      if ((!what_.all && !dangling) || !is_old(path, what_) || ::unlink(path.c_str()) != 0) {
        if (!layer.empty()) remembered_.insert(layer);
        continue;
      }
      pruned_.ids.push_back(key.substr(0, kIdLength));
    }
  }

  Status remove_layers(const std::vector<std::string>& in_use) {
    std::vector<std::pair<std::string, std::int64_t>> sizes;
    for (const std::string& layer : names_of(builds_ + "/kept")) {
      if (remembered_.contains(layer) || !is_old(builds_ + "/kept/" + layer, what_)) continue;
      const std::string directory = store_.layers_directory() + "/" + layer;
      sizes.emplace_back(directory, image::tree_size(directory).value_or(0));
      (void)::unlink((builds_ + "/kept/" + layer).c_str());
    }
    METE_CHECK(store_.prune(in_use));
    for (const auto& [directory, size] : sizes) {
      if (::access(directory.c_str(), F_OK) != 0) pruned_.bytes += size;
    }
    return {};
  }

  Status remove_mounts() {
    for (const std::string& name : names_of(builds_ + "/mounts")) {
      const std::string path = builds_ + "/mounts/" + name;
      if (name.ends_with(".lock") || !is_old(path, what_)) continue;
      const std::int64_t size = image::tree_size(path).value_or(0);
      METE_CHECK(remove_tree(path));
      (void)::unlink((path + ".lock").c_str());
      pruned_.ids.push_back(name);
      pruned_.bytes += size;
    }
    return {};
  }

  image::Store& store_;
  const PruneWhat& what_;
  const std::string builds_;
  std::set<std::string> of_images_;
  std::set<std::string> remembered_;  // layers of steps that stay
  PrunedCache pruned_;
};

}  // namespace

Result<PrunedCache> prune_cache(image::Store& store, const PruneWhat& what, const std::vector<std::string>& in_use) {
  return Pruning(store, what).run(in_use);
}

}  // namespace mete::runtime::build
