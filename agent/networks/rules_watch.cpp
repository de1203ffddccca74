// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/rules_watch.h"

#include <sys/socket.h>

#include <array>

#include "agent/networks/network_thread.h"

namespace mete::agent {

RulesWatch::RulesWatch(asio::io_context& loop, const std::string& table,
                       std::function<void(const std::string&)> changed)
    : news_(table, kNetworkThreadName), changed_(std::move(changed)), socket_(loop) {}

Status RulesWatch::open() {
  if (socket_.is_open()) return {};
  METE_TRY(auto socket, runtime::network::open_rule_news());
  socket_.assign(socket.release());
  wait();
  return {};
}

void RulesWatch::wait() {
  socket_.async_wait(Descriptor::wait_read, alive_.guard([this] { read(); }));
}

void RulesWatch::read() {
  static std::array<char, std::size_t{64} << 10U> buffer;
  std::string who;
  while (true) {
    const ssize_t got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    // What did not fit into the socket's buffer may have been anything.
    if (got < 0 && errno == ENOBUFS) who = "somebody";
    if (got < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
    if (got <= 0) break;
    if (auto each = news_.take({buffer.data(), static_cast<std::size_t>(got)})) who = *each;
  }
  wait();
  if (!who.empty()) changed_(who);
}

}  // namespace mete::agent
