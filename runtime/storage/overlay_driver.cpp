// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/file.h"
#include "runtime/storage/drivers.h"
#include "runtime/storage/mapper/thin_driver.h"
#include "runtime/storage/place.h"
#include "runtime/storage/project_quota.h"

namespace mete::runtime::storage {

OverlayDriver::OverlayDriver(const DriverSettings& settings, Layers layers)
    : layers_(settings.layers),
      directory_(settings.directory),
      by_project_(has_project_quota(settings.directory)),
      limited_(templates_directory(settings.directory)),
      images_(layers == Layers::kErofs ? std::make_unique<ErofsLayers>(settings.directory + "/erofs", settings.layers)
                                       : nullptr) {}

std::string_view OverlayDriver::name() const {
  return images_ ? "erofs" : "overlay";
}

bool OverlayDriver::takes_time(const RootWish& wish) const {
  if (wish.limit && !by_project_) return true;
  return images_ && !std::all_of(wish.layers.begin(), wish.layers.end(),
                                 [this](const std::string& layer) { return images_->has(layer); });
}

Result<ContainerRoot> OverlayDriver::make(const RootWish& wish) {
  const Place place(wish.place);
  METE_CHECK(refuse_others(place, WrittenForm::kUpper, name()));
  METE_CHECK(mount_layers(wish.layers));
  METE_CHECK(make_directories(place.root()));
  process::OverlayRoot overlay{images_ ? images_->directory() : layers_, wish.layers, place.upper(), place.work(),
                               process::IdMap{}};
  if (wish.limit) {
    METE_CHECK(limit(place, *wish.limit, overlay));
  } else {
    for (const auto* each : {&overlay.upper, &overlay.work}) METE_CHECK(make_directories(*each));
  }
  METE_CHECK(note_quota(place, wish.limit));
  return ContainerRoot{place.root(), std::move(overlay)};
}

Status OverlayDriver::mount_layers(const std::vector<std::string>& layers) {
  if (!images_) return {};
  for (const std::string& layer : layers) METE_CHECK(images_->mount(layer));
  return {};
}

Status OverlayDriver::limit(const Place& place, Bytes bytes, process::OverlayRoot& overlay) {
  if (by_project_) {
    // overlayfs makes files in its own directory and moves them: with another project that would be refused (EXDEV).
    METE_CHECK(make_directories(place.upper()));
    METE_CHECK(make_directories(place.work()));
    return limit_directories({place.upper(), place.work()}, bytes);
  }
  METE_CHECK(limited_.mount(place, bytes));
  overlay.upper = place.limited_upper();
  overlay.work = place.limited() + "/work";
  return {};
}

Status OverlayDriver::can_limit() const {
  return by_project_ ? Status() : limited_.is_possible();
}

Status OverlayDriver::prune() {
  METE_CHECK(retire_thin_pool(directory_));
  return images_ ? images_->prune() : Status();
}

Status OverlayDriver::close() {
  return images_ ? images_->close() : Status();
}

}  // namespace mete::runtime::storage
