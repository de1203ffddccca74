// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/stopped_root.h"

#include <fcntl.h>

#include <filesystem>

#include "agent/docker/container/detached_overlay.h"
#include "runtime/file.h"
#include "runtime/storage/place.h"

namespace mete::agent::docker {

Result<runtime::UniqueFd> open_stopped_root(const runtime::image::Store& store, const std::vector<std::string>& layers,
                                            const std::string& place) {
  namespace storage = runtime::storage;
  METE_CHECK(storage::mount_written(place));
  const auto written = storage::written_in(place);
  if (!written) return fail(place + ": found no root of a container, expected one");
  if (!written->tree.empty()) return runtime::open_at(AT_FDCWD, written->tree, O_RDONLY | O_DIRECTORY);
  OverlayParts parts{{}, written->upper, written->work};
  for (const auto& layer : layers) parts.layers.push_back(store.layers_directory() + "/" + layer);
  if (parts.layers.empty()) return fail("found no layer of its image, expected at least one");
  METE_CHECK(runtime::make_directories(parts.work));  // an earlier attempt's did not move with what it wrote
  return open_overlay(parts, storage::Place(place).root());
}

std::string mount_above(const std::string& path, const std::vector<std::string>& targets) {
  const auto normal = [](const std::string& text) {
    std::string made = std::filesystem::path("/" + text).lexically_normal().string();
    while (made.size() > 1 && made.back() == '/') made.pop_back();
    while (made.starts_with("//")) made.erase(0, 1);
    return made;
  };
  const std::string wanted = normal(path);
  for (const auto& target : targets) {
    const std::string mount = normal(target);
    if (wanted == mount || wanted.starts_with(mount + "/")) return target;
  }
  return {};
}

}  // namespace mete::agent::docker
