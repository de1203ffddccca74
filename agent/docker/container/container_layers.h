// SPDX-License-Identifier: Apache-2.0
// What a container is made of: its writable layer, the image below it, and how large they are.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/docker/engine.h"
#include "runtime/image/image.h"
#include "runtime/storage/tree_difference.h"

namespace mete::agent::docker {

// The place of the container's files (runtime/storage/place.h), in which nothing is before its first start; empty: it
// has none.
[[nodiscard]] std::string place_of(Engine& engine, const ContainerRecord& record);

// What is in the place, in overlayfs' form. For a thread: whole trees may be compared.
[[nodiscard]] Result<runtime::storage::UpperView> written_view(const std::string& place, const Settings& settings,
                                                               runtime::storage::CopyContent content);

// The image that the container was made from; when it is gone, the layers alone that the container has.
[[nodiscard]] runtime::image::Image base_image(Engine& engine, const ContainerRecord& record);

// Adds SizeRw and SizeRootFs (bytes) to the rows, each of which has the container's Id. Files are counted on a thread;
// `done` is called on the loop.
void add_sizes(Engine& engine, const std::shared_ptr<Json>& rows, std::function<void()> done);

}  // namespace mete::agent::docker
