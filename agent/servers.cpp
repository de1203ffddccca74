// SPDX-License-Identifier: Apache-2.0
#include "agent/servers.h"

#include <memory>
#include <utility>

#include "agent/self/service.h"

namespace mete::agent {

Servers::Servers(asio::io_context& loop, const Settings& settings, EventLog& events, Api& api, docker::Engine& docker)
    : settings_(settings),
      events_(events),
      docker_(docker),
      web_access_(loop, [this](bool taken, const std::string& message) { web_config_changed(taken, message); }),
      server_(
          loop,
          [&api](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) { api.handle(request, reply); },
          settings.web_config.empty() ? nullptr : &web_access_),
      docker_server_(
          loop,
          [&docker](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
            docker.handle(request, reply);
          },
          nullptr, docker::docker_limits()),
      docker_read_only_server_(
          loop,
          [&docker](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
            docker.handle(request, reply, true);
          },
          nullptr, docker::docker_limits()) {}

Status Servers::open(asio::io_context& handshakes, Instruments& instruments) {
  server_.handshakes_on(handshakes);
  server_.on_refused([&instruments](const char* why) { instruments.refused(why); });
  if (!settings_.web_config.empty()) METE_CHECK(web_access_.open(settings_.web_config));
  METE_CHECK(server_.listen_tcp(settings_.listen));
  METE_CHECK(server_.listen_unix(settings_.socket()));
  METE_CHECK(listen_for_docker());
  if (settings_.socket_group.empty()) return {};
  METE_CHECK(share_socket(settings_.socket(), settings_.socket_group));
  return share_socket(settings_.docker_socket(), settings_.socket_group);
}

Status Servers::listen_for_docker() {
  docker_server_.spool_bodies(docker_.archives());
  METE_CHECK(docker_server_.listen_unix(settings_.docker_socket()));
  METE_CHECK(docker_read_only_server_.listen_unix(settings_.docker_read_only_socket()));
  return share_with_dashboards(settings_.docker_read_only_socket(), settings_.socket_group);
}

std::string Servers::metrics_url() {
  const bool tls = !settings_.web_config.empty() && web_access_.tls() != nullptr;
  return (tls ? "https://" : "http://") + server_.tcp_address() + "/metrics";
}

void Servers::web_config_changed(bool taken, const std::string& message) {
  if (taken)
    return events_.add(
        {.severity = Severity::kNormal, .reason = name_of(Reason::kWebConfigChanged), .message = message});
  events_.add({.severity = Severity::kWarning,
               .reason = name_of(Reason::kWebConfigRefused),
               .message = message + "; what was in force stays so"});
}

}  // namespace mete::agent
