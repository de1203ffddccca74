// SPDX-License-Identifier: Apache-2.0
// The Docker Engine API on a unix socket of its own: versions, paths, and what all answers share.
#pragma once

#include <memory>
#include <string>

#include "agent/docker/container/containers.h"
#include "agent/docker/streams/execs.h"
#include "agent/docker/streams/stats_ticker.h"
#include "agent/http/http_server.h"
#include "runtime/build/language/image_settings.h"
#include "runtime/image/store.h"

namespace mete::agent::docker {

class Engine {
 public:
  Engine(Services& services, Manifests& manifests, Reconciler& reconciler);

  // Reads the records. Before Reconciler::adopt().
  [[nodiscard]] Status open() { return containers_.open(); }
  // After it.
  void begin() { containers_.begin(); }
  // `read_only`: of the socket for dashboards, which answers is_for_dashboards() alone.
  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply, bool read_only = false);

  // Build contexts, images and files on their way into a container may have any size: they are kept in STATE.
  [[nodiscard]] HttpSpool archives();

  [[nodiscard]] Containers& containers() { return containers_; }
  [[nodiscard]] Execs& execs() { return execs_; }
  [[nodiscard]] StatsTicker& stats() { return stats_; }
  [[nodiscard]] Services& services() { return services_; }
  [[nodiscard]] Networks& networks() { return containers_.reconciler().networks(); }

 private:
  Services& services_;
  Containers containers_;
  Execs execs_;
  StatsTicker stats_;
};

// What an image's configuration says; of an image that came without one, what its record says.
[[nodiscard]] runtime::build::ImageSettings settings_of_image(const runtime::image::Store& store,
                                                              const runtime::image::Image& image);

// Bounds for docker's clients.
[[nodiscard]] HttpLimits docker_limits();

}  // namespace mete::agent::docker
