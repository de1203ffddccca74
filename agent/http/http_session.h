// SPDX-License-Identifier: Apache-2.0
// One connection of the HTTP server: requests one after the other, each answered whole, in pieces or as a stream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/asio.h"
#include "agent/http/http_access.h"
#include "agent/http/http_connections.h"
#include "agent/http/http_spool.h"
#include "agent/http/http_types.h"

namespace mete::agent {

// State shared by all connections of a server. Lives as long as the last of them.
struct HttpShared {
  HttpShared(asio::io_context& loop_, HttpHandler handler_, HttpLimits limits_, HttpAccess* access_)
      : loop(loop_),
        handler(std::move(handler_)),
        limits(limits_),
        access(access_),
        tcp(limits_.connections, limits_.per_address),
        local(limits_.local, limits_.local) {}

  asio::io_context& loop;
  asio::io_context* worker = nullptr;  // where TLS handshakes are made; null: on the loop
  HttpHandler handler;
  HttpLimits limits;
  HttpAccess* access;  // null: all clients, plain HTTP
  std::optional<HttpSpool> spool;
  // Called for each refusal: "limit", "auth", "rate", "slow", "tls".
  std::function<void(const char* why)> refused = [](const char*) {};
  std::string tcp_address;
  HttpConnections tcp;
  HttpConnections local;
  unsigned refusals = 0;  // connections that are being answered with a refusal
};

// Empty: the socket is closed.
[[nodiscard]] std::optional<HttpPeer> peer_of(int socket);

// Serves a connection until it ends. A connection beyond the limits is answered with 503, or only closed.
void serve(asio::ip::tcp::socket socket, const std::shared_ptr<HttpShared>& shared);
void serve(asio::local::stream_protocol::socket socket, const std::shared_ptr<HttpShared>& shared);

}  // namespace mete::agent
