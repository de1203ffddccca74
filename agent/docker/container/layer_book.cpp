// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/layer_book.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

namespace fs = std::filesystem;

// A link that is there is replaced in one step.
Status link_to(const std::string& path, const std::string& target) {
  const std::string folder = fs::path(path).parent_path().string();
  const std::string relative = fs::path(target).lexically_relative(folder).string();
  const std::string fresh = path + ".new";
  METE_CHECK(runtime::make_directories(folder, 0700));
  (void)::unlink(fresh.c_str());
  if (::symlink(relative.c_str(), fresh.c_str()) != 0) return fail_errno("make " + fresh);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail_errno("rename " + fresh);
  return {};
}

}  // namespace

Status LayerBook::add(const std::string& id, const std::string& logs) const {
  METE_CHECK(runtime::make_directories(mounts() + "/" + id, 0700));
  METE_CHECK(runtime::replace_file(mounts() + "/" + id + "/mount-id", id, 0600, runtime::Durability::volatile_));
  return link_to(log_link(id), logs);
}

Status LayerBook::point(const std::string& id, const std::string& written) const {
  return link_to(layer_link(id), fs::path(written).parent_path().string());
}

void LayerBook::remove(const std::string& id) const {
  const std::string folder = mounts() + "/" + id;
  (void)::unlink((folder + "/mount-id").c_str());
  (void)::rmdir(folder.c_str());
  (void)::unlink(layer_link(id).c_str());
  (void)::unlink(log_link(id).c_str());
}

void LayerBook::sweep(const std::function<bool(const std::string& id)>& is_known) const {
  std::error_code ignored;
  std::vector<std::string> unknown;
  for (const std::string& folder : {mounts(), root_ + "/" + driver_, root_ + "/containers"}) {
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string id = entry.path().filename().string();
      if (!is_known(id)) unknown.push_back(id);
    }
  }
  for (const auto& id : unknown) remove(id);
}

}  // namespace mete::agent::docker
