// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/container_layers.h"

#include <map>
#include <vector>

#include "runtime/image/tree.h"

namespace mete::agent::docker {

using runtime::storage::UpperView;

std::string place_of(Engine& engine, const ContainerRecord& record) {
  const Container* const container = engine.containers().container(record);
  return container == nullptr ? "" : container->slot().files().directory();
}

Result<UpperView> written_view(const std::string& place, const Settings& settings,
                               runtime::storage::CopyContent content) {
  return UpperView::of(place, runtime::storage::scratch_directory(settings.storage()), content);
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
  struct Sized {
    std::string place;
    std::int64_t image = 0;
  };
  std::map<std::string, std::int64_t> sizes;  // of images
  if (const auto images = engine.services().images.list()) {
    for (const auto& each : *images) sizes["sha256:" + each.id] = each.size;
  }
  std::vector<Sized> places;
  for (const auto& row : *rows) {
    const auto at = engine.containers().all().find(text_of(row, "Id"));
    const bool there = at != engine.containers().all().end();
    places.push_back(there ? Sized{place_of(engine, at->second), sizes[at->second.image_id]} : Sized());
  }
  engine.services().workers.run(
      [rows, places, &settings = engine.services().settings] {
        for (std::size_t i = 0; i < places.size(); ++i) {
          const auto& [place, image] = places[i];
          const auto view = written_view(place, settings, runtime::storage::CopyContent::kSizeOnly);
          const std::int64_t written = view ? runtime::image::tree_size(view->directory()).value_or(0) : 0;
          (*rows)[i]["SizeRw"] = written;
          (*rows)[i]["SizeRootFs"] = image + written;
        }
      },
      std::move(done));
}

}  // namespace mete::agent::docker
