// SPDX-License-Identifier: Apache-2.0
// A run that begins with a TCP connection, made in the network namespace of the container. A connection to the same
// machine is made at once, as a rule, so it is tried before the loop is asked to watch the socket: most tcpSocket
// probes never need that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/namespace_connections.h"
#include "agent/probes/probe_run.h"

namespace mete::agent {

using ProbeSocket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

class NetworkRun : public ProbeRun {
 public:
  NetworkRun(Services& services, ProbePlace place)
      : ProbeRun(services.loop), services_(services), place_(std::move(place)), socket_(services.loop) {}

 protected:
  // Tries the addresses of `host` (empty: the pod itself) one after the other. Then connected(), or finish(failure). A
  // name is resolved in the machine's namespaces, as most pods have no resolver.
  void dial(const std::string& host, std::uint16_t port);
  // `begun`: what has been sent of first_request() and was answered already; its socket is the run's.
  virtual void connected(const BegunConnection& begun) = 0;
  // What may be sent as soon as there is a connection. It stays as it is until connected().
  [[nodiscard]] virtual std::string_view first_request() const { return {}; }
  // What is said before the reason of a failed connection.
  [[nodiscard]] virtual std::string what_failed() const = 0;
  void stop() override;

  // Gives the loop the connection, for what follows. False: it could not, and the run is over.
  [[nodiscard]] bool watch();
  [[nodiscard]] ProbeSocket& socket() { return socket_; }  // after watch()
  [[nodiscard]] Services& services() { return services_; }
  // The pod's address, of a host that is not said; its loopback where it has none.
  [[nodiscard]] std::string host_or_own(const std::string& host) const;

  template <class Derived>
  std::shared_ptr<Derived> self() {
    return std::static_pointer_cast<Derived>(shared_from_this());
  }

 private:
  void close();
  void resolve(const std::string& host, std::uint16_t port);
  void try_next(const ErrorCode& error);
  void go_on(const asio::ip::tcp::endpoint& to, BegunConnection begun);
  void wait_for_connection(const asio::ip::tcp::endpoint& to);

  Services& services_;
  const ProbePlace place_;
  runtime::UniqueFd connection_;                // until it is socket_'s
  asio::ip::tcp family_ = asio::ip::tcp::v4();  // of connection_
  ProbeSocket socket_;
  std::vector<asio::ip::tcp::endpoint> left_;  // addresses to be tried, the next one last
  std::shared_ptr<asio::ip::tcp::resolver> resolver_;
};

}  // namespace mete::agent
