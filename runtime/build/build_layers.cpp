// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/build_layers.h"

#include "runtime/image/archives/layer_tar.h"
#include "runtime/image/layer_note.h"
#include "runtime/image/staging.h"
#include "runtime/image/upper_layer.h"

namespace mete::runtime::build {

std::string layer_of(const std::string& diff_id) {
  return image::Staging::layer_name(diff_id.substr(diff_id.find(':') + 1));
}

void BuildLayers::hold(image::LayerLock lock) {
  const std::lock_guard guard(mutex_);
  locks_.push_back(std::move(lock));
}

Result<bool> BuildLayers::use(const std::string& layer) {
  METE_TRY(image::LayerLock lock, image::LayerLock::acquire(store_->directory(), layer));
  if (lock.must_make()) return false;
  hold(std::move(lock));
  return true;
}

Result<std::string> BuildLayers::diff_id_of(const std::string& layer) const {
  image::LayerNote note = image::read_note(store_->directory(), layer);
  if (!note.diff_id.empty()) return note.diff_id;
  METE_TRY(note.diff_id, image::layer_diff_id(store_->layers_directory() + "/" + layer));
  (void)image::write_note(store_->directory(), layer, note);  // saves the next build this work
  return note.diff_id;
}

Result<std::string> BuildLayers::keep(const std::string& upper,
                                      const std::function<void(const std::string& path)>& on_device) {
  METE_CHECK(image::clean_upper(upper, {.latest = epoch_, .on_device = on_device}));
  METE_TRY(const bool empty, image::is_empty_layer(upper));
  if (empty) return std::string();
  return keep_empty(upper);
}

Result<std::string> BuildLayers::keep_empty(const std::string& upper) {
  METE_TRY(const std::string diff_id, image::layer_diff_id(upper));
  const std::string layer = layer_of(diff_id);
  METE_TRY(image::LayerLock lock, image::LayerLock::acquire(store_->directory(), layer));
  if (lock.must_make()) {
    METE_CHECK(lock.made(upper));
    METE_CHECK(image::write_note(store_->directory(), layer, {diff_id, {}}));
  }
  hold(std::move(lock));
  return diff_id;
}

}  // namespace mete::runtime::build
