// SPDX-License-Identifier: Apache-2.0
// Answers the containers' questions for names, on the gateway's address of each network, or by a socket inside a member
// of one that has no such address: those of other members of the network from what the agent knows, all others by the
// machine's own servers. Everything is bounded: questions that wait for a server, in all and of one container, and the
// time that they wait. A question that finds no room is not answered, and the container asks again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/networks/dns/dns_message.h"
#include "runtime/fd.h"

namespace mete::agent {

class DnsResponder {
 public:
  struct Found {
    std::vector<config::IpAddress> addresses;       // none: the name exists without any
    std::string alias;                              // not empty: the name that it stands for, which is asked for next
    std::vector<dns::ServiceRecord> services = {};  // where its port is, of a name of a Service's port
  };
  struct Asker {
    std::string member;         // whose socket was asked; empty: that of a network
    config::IpAddress address;  // from which it was asked
    auto operator<=>(const Asker&) const = default;
  };
  // What the name is for who asks; empty: it is nobody's of that network.
  using Find = std::function<std::optional<Found>(const Asker& asker, const std::string& name)>;
  DnsResponder(asio::io_context& loop, Find find);
  ~DnsResponder();

  // Listens on port 53 of this address. Again: no error.
  [[nodiscard]] Status listen(const config::IpAddress& address);
  [[nodiscard]] bool listens(const config::IpAddress& address) const { return listeners_.contains(address); }
  void close(const config::IpAddress& address) { listeners_.erase(address); }

  // The same for one member, by a socket of its own (runtime::network::open_inner_resolver) in place of an earlier one.
  void listen_inside(const std::string& member, runtime::UniqueFd socket);
  [[nodiscard]] bool listens_inside(const std::string& member) const { return inside_.contains(member); }
  void close_inside(const std::string& member) { inside_.erase(member); }

  struct Counts {
    std::uint64_t own = 0;        // answered from what the agent knows
    std::uint64_t forwarded = 0;  // answered by a server of the machine
    std::uint64_t failed = 0;     // no server answered
    std::uint64_t refused = 0;    // no room
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Listener;
  struct Forward;
  void wait(const std::shared_ptr<Listener>& listener);
  void read(const std::shared_ptr<Listener>& listener);
  // A question as it came, who asked, and the name that it stands for, if it does.
  struct Asked {
    std::string query;
    std::string peer;
    Asker asker;
    std::string alias;
  };
  void take(const std::shared_ptr<Listener>& listener, const dns::Question& question, Asked asked);
  void forward(const std::shared_ptr<Listener>& listener, Asked asked);
  void ask_next(const std::shared_ptr<Forward>& forward);
  void await_answer(const std::shared_ptr<Forward>& forward);
  void end(const std::shared_ptr<Forward>& forward);
  [[nodiscard]] std::vector<config::IpAddress> servers();

  asio::io_context& loop_;
  Find find_;
  std::map<config::IpAddress, std::shared_ptr<Listener>> listeners_;
  std::map<std::string, std::shared_ptr<Listener>> inside_;
  std::map<Asker, unsigned> waiting_of_;
  unsigned waiting_ = 0;
  Counts counts_;
  Alive alive_;
};

}  // namespace mete::agent
