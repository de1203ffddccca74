// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/engine.h"

#include "agent/base/log.h"
#include "agent/docker/access.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/file_body.h"
#include "agent/docker/version.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

// Who did it: the socket is not root's alone. The path is a client's, and may be long.
void log_change(const HttpRequest& request, const std::string& path) {
  constexpr std::size_t kLongest = 200;
  std::string who = "an unknown process";
  if (request.peer)
    who = "pid " + std::to_string(request.peer->pid) + ", uid " + std::to_string(request.peer->uid) + ", gid " +
          std::to_string(request.peer->gid);
  log_info("docker: " + request.method + " " + path.substr(0, kLongest) + " by " + who);
}

}  // namespace

HttpLimits docker_limits() {
  HttpLimits limits;
  limits.local = 1024;
  return limits;
}

runtime::build::ImageSettings settings_of_image(const runtime::image::Store& store,
                                                const runtime::image::Image& image) {
  if (const auto text = store.document(image.id)) {
    if (auto settings = runtime::build::read_settings(*text)) return std::move(*settings);
  }
  return runtime::build::settings_of(image);
}

Engine::Engine(Services& services, Manifests& manifests, Reconciler& reconciler)
    : services_(services), containers_(services, manifests, reconciler), execs_(containers_), stats_(containers_) {}

void Engine::handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply, bool read_only) {
  const auto split = split_version(request.path);
  const auto refuse_now = [&](unsigned status, const std::string& message) {
    services_.instruments.request("/docker", static_cast<int>(status));
    reply->send(refusal_response(status, message));
  };
  if (!split) return refuse_now(400, split.error().what);
  if (read_only && !is_for_dashboards(request.method, split->path))
    return refuse_now(
        403, request.method + " " + split->path + ": this socket is read-only: it lists, inspects and follows");
  if (changes_something(request.method, split->path)) log_change(request, split->path);
  auto found = find_route(request.method, split->path);
  if (!found) return refuse_now(404, "page not found");
  services_.instruments.request("/docker", 200);
  found->route->answer(*this, Call{request, reply, split->version, std::move(found->words)});
}

HttpSpool Engine::archives() {
  HttpSpool spool;
  spool.takes = [](const std::string& method, const std::string& path) {
    const auto split = split_version(path);
    const auto found = split ? find_route(method, split->path) : std::nullopt;
    return found && found->route->takes_archive;
  };
  spool.make = [this] { return temporary_file(services_.settings.docker()); };
  spool.write = [this](int file, std::string piece, std::function<void(Status)> done) {
    const auto written = std::make_shared<Status>();
    services_.workers.run([file, piece = std::move(piece), written] { *written = runtime::write_all(file, piece); },
                          [written, done = std::move(done)] { done(std::move(*written)); });
  };
  return spool;
}

}  // namespace mete::agent::docker
