// SPDX-License-Identifier: Apache-2.0
// POST /containers/create: what the client asks for, checked and completed by its image. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "agent/docker/container/record.h"
#include "runtime/build/language/image_settings.h"
#include "runtime/image/image.h"

namespace mete::agent::docker {

// Facts of the machine that a request is checked against.
struct MachineBounds {
  unsigned cpus = 1;
  std::string cpu_list = "0";  // "0-3": those that are there
};
[[nodiscard]] MachineBounds machine_bounds();  // of this machine

// Fills config, host_config and endpoints of a record. An error is for the client (400), in docker's words where docker
// has them; what mete does not do is refused here, and never left out in silence.
// `settings`: what the image's configuration has beyond its ImageConfig.
[[nodiscard]] Result<ContainerRecord> read_create(const Json& body, const runtime::image::Image& image,
                                                  const MachineBounds& machine,
                                                  const runtime::build::ImageSettings& settings = {});

// POST /containers/ID/update: HostConfig with the resources that the body names. 0, "" and null change nothing.
[[nodiscard]] Result<Json> update_host_config(const Json& host_config, const Json& body, const MachineBounds& machine);

// Of an image, in docker's form; null: it has none.
[[nodiscard]] Json healthcheck_json(const runtime::build::ImageSettings& settings);

[[nodiscard]] Status check_container_name(const std::string& name);

}  // namespace mete::agent::docker
