// SPDX-License-Identifier: Apache-2.0
// Gets an image of a registry into the store. Layers travel side by side and are unpacked while they come; their digest
// and that of the tar in them are checked before anything is visible. Layers that are there do not travel. A pull that
// is killed leaves whole layers, which the next one uses, and no image.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "config/model/agent_config.h"
#include "runtime/image/store.h"
#include "runtime/registry/login_store.h"
#include "runtime/registry/reference.h"

namespace mete::runtime::registry {

enum class LayerStage { kWaiting, kExists, kTransfer, kDone, kMounted };

struct LayerNews {
  std::string layer;  // twelve digits of its digest
  LayerStage stage = LayerStage::kWaiting;
  std::int64_t bytes = 0;
  std::int64_t size = 0;
  std::string from;  // kMounted: the repository
};
// Called from several threads, one at a time.
using OnLayer = std::function<void(const LayerNews&)>;

struct Access {
  config::RegistryPolicy policy;
  Logins logins;
};

struct Pulled {
  image::Image image;
  bool newer = false;  // it was not the one in the store
};

// Error::code: ECONNREFUSED, EHOSTUNREACH: no registry can be asked; ENOENT: the registry has no such image; EACCES: it
// refuses.
[[nodiscard]] Result<Pulled> pull(image::Store& store, const Reference& reference, const Access& access,
                                  const OnLayer& on_layer);

}  // namespace mete::runtime::registry
