// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/container_layers.h"

#include <map>
#include <vector>

#include "runtime/image/tree.h"

namespace mete::agent::docker {

std::string upper_of(Engine& engine, const ContainerRecord& record) {
  const Container* const container = engine.containers().container(record);
  return container == nullptr || container->record().attempt == 0 ? ""
                                                                  : container->slot().files().directory() + "/upper";
}

runtime::image::Image base_image(Engine& engine, const ContainerRecord& record) {
  if (const auto images = engine.services().images.list()) {
    for (const auto& each : *images) {
      if ("sha256:" + each.id == record.image_id) return each;
    }
  }
  runtime::image::Image gone;
  if (const Container* const container = engine.containers().container(record))
    gone.layers = container->record().layers;
  return gone;
}

void add_sizes(Engine& engine, const std::shared_ptr<Json>& rows, std::function<void()> done) {
  struct Place {
    std::string upper;
    std::int64_t image = 0;
  };
  std::map<std::string, std::int64_t> sizes;  // of images
  if (const auto images = engine.services().images.list()) {
    for (const auto& each : *images) sizes["sha256:" + each.id] = each.size;
  }
  std::vector<Place> places;
  for (const auto& row : *rows) {
    const auto at = engine.containers().all().find(text_of(row, "Id"));
    const bool there = at != engine.containers().all().end();
    places.push_back(there ? Place{upper_of(engine, at->second), sizes[at->second.image_id]} : Place());
  }
  engine.services().workers.run(
      [rows, places] {
        for (std::size_t i = 0; i < places.size(); ++i) {
          const auto& [upper, image] = places[i];
          const std::int64_t written = upper.empty() ? 0 : runtime::image::tree_size(upper).value_or(0);
          (*rows)[i]["SizeRw"] = written;
          (*rows)[i]["SizeRootFs"] = image + written;
        }
      },
      std::move(done));
}

}  // namespace mete::agent::docker
