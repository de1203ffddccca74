// SPDX-License-Identifier: Apache-2.0
// Where the agent listens: metrics and API on TCP (TLS and passwords by web.config) and on a socket of its own,
// docker's API on two more, one of which changes nothing.
#pragma once

#include <string>

#include "agent/api/api.h"
#include "agent/base/event.h"
#include "agent/base/instruments.h"
#include "agent/base/settings.h"
#include "agent/docker/engine.h"
#include "agent/http/http_server.h"
#include "agent/http/web_access.h"

namespace mete::agent {

class Servers {
 public:
  // Keeps all references. Nothing is bound before open().
  Servers(asio::io_context& loop, const Settings& settings, EventLog& events, Api& api, docker::Engine& docker);

  // Reads web.config and binds the addresses. TLS handshakes run on `handshakes`. The error names the address or file.
  [[nodiscard]] Status open(asio::io_context& handshakes, Instruments& instruments);

  // Of the metrics: "http://127.0.0.1:9465/metrics".
  [[nodiscard]] std::string metrics_url();

 private:
  void web_config_changed(bool taken, const std::string& message);
  Status listen_for_docker();

  const Settings& settings_;
  EventLog& events_;
  docker::Engine& docker_;
  WebAccess web_access_;
  HttpServer server_;
  HttpServer docker_server_;
  HttpServer docker_read_only_server_;
};

}  // namespace mete::agent
