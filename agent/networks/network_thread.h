// SPDX-License-Identifier: Apache-2.0
// The thread that makes links and rules, in the order in which it is asked to. It waits for the kernel, and enters new
// network namespaces for a moment: neither may happen on the loop. Loop and thread exchange values only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/other_processor.h"
#include "runtime/network/host_network.h"

namespace mete::agent {

inline constexpr const char* kNetworkThreadName = "mete-network";

class NetworkThread {
 public:
  // `table`: the name of its tables of nftables.
  NetworkThread(asio::io_context& loop, std::string table);
  ~NetworkThread();  // after the work that is under way
  NetworkThread(const NetworkThread&) = delete;
  NetworkThread& operator=(const NetworkThread&) = delete;

  [[nodiscard]] std::string end_prefix() const { return runtime::network::end_prefix(table_); }

  using Networks = std::vector<runtime::network::NetworkSpec>;
  using Endpoints = std::vector<runtime::network::Endpoint>;
  using Done = std::function<void(Status)>;  // on the loop

  // Makes or takes over all bridges, removes ends of containers that nobody knows, and writes all rules as one. The
  // error is that of the first network; another one that cannot be made is tried again when somebody wants to be in it.
  void bring_up(Networks networks, Endpoints endpoints, Done done);
  // Makes or takes over one more bridge.
  void ensure_bridge(runtime::network::NetworkSpec network, Done done);
  // Makes sure that a network's parent is there and that the kernel makes devices of it.
  void ensure_parent(runtime::network::NetworkSpec network, Done done);
  // Looks whether all bridges and their ports are as they were made, and mends what is not. What was found, a sentence
  // each.
  using Verified = std::function<void(Result<std::vector<std::string>>)>;
  void verify(Networks networks, Endpoints endpoints, Verified done);
  // What the limits of bandwidth have done, of each of these in turn.
  using Throttling = std::vector<runtime::network::HostNetwork::Throttling>;
  void measure(Endpoints limited, std::function<void(const Throttling&)> done);
  // Holds it to its bandwidth, which is another one, then writes the record: the next agent finds what is true.
  void hold(runtime::network::Endpoint endpoint, std::string record, Done done);
  // What the network's device is to know of pods of other machines from now on.
  void set_remote(runtime::network::NetworkSpec network, runtime::network::RemoteEntries remote, Done done);
  // This machine's end of the tunnel of encrypted networks from now on. It is made with the first of them, or at once
  // where one is there.
  void set_tunnel(runtime::network::Tunnel tunnel, Done done);
  // Makes it before the first of them. The error: this kernel has none.
  void ensure_tunnel(Done done);
  // Other machines in it.
  void set_peers(runtime::network::TunnelPeers peers, Done done);
  // All rules again, as one transaction.
  void write_rules(Networks networks, Endpoints endpoints, Done done);
  // What Services and NetworkPolicies are from now on. What has changed is one transaction. Before bring_up() it is
  // only kept.
  void serve(runtime::network::PodRules rules, Networks networks, Endpoints endpoints, Done done);
  // Writes the record, then makes a connected namespace.
  struct Connection {
    runtime::network::NetworkSpec network;
    runtime::network::Endpoint endpoint;
    std::string record;                         // path of its record
    std::shared_ptr<runtime::UniqueFd> inside;  // a namespace that exists; null: a new one
  };
  using Connected = std::function<void(Result<runtime::UniqueFd>)>;
  void connect(Connection connection, Connected done);
  // Its rules, its record. Its links end with `inside`, the last one of that namespace.
  void disconnect(runtime::network::Endpoint endpoint, std::string record, runtime::UniqueFd inside, Done done);
  // Its rules, its record and its links, of a namespace that goes on. `inside`: that namespace, of a network with a
  // parent; null: of a bridge.
  void detach(runtime::network::Endpoint endpoint, std::string record, std::shared_ptr<runtime::UniqueFd> inside,
              Done done);
  // Of a namespace that goes on: it leaves one bridge, and what it is in from now on is its own network.
  struct Leaving {
    runtime::network::Endpoint left;
    runtime::network::Endpoint now;                        // one that it has, or that of no network
    std::optional<runtime::network::NetworkSpec> network;  // of `now`; empty: none
    std::string record;                                    // of its own network
    std::string further_record;                            // of `now` so far
    std::shared_ptr<runtime::UniqueFd> inside;
  };
  void leave(Leaving leaving, Done done);
  // network_thread_names.cpp: a socket for questions for names in the namespace `inside`
  // (runtime::network::open_inner_resolver).
  using Opened = std::function<void(Result<runtime::UniqueFd>)>;
  void open_resolver(std::shared_ptr<runtime::UniqueFd> inside, Opened done);
  // Ports that are published or not any more.
  void change(runtime::network::Endpoint before, runtime::network::Endpoint after, std::string record, Done done);
  // The bridges, or the parents that came with their networks, and with `tables` the rules, too.
  void take_down(Networks networks, bool tables, Done done);

 private:
  template <class Work, class Take>
  void run(Work work, Take take);
  Status open();
  Result<runtime::network::Namespace> take_namespace(const std::shared_ptr<runtime::UniqueFd>& inside);
  Status link(runtime::network::Namespace& inside, const Connection& connection);
  Status remove_rules(const runtime::network::Endpoint& endpoint);
  Status release(const runtime::network::Endpoint& endpoint, const std::string& record);
  Status bridges(const Networks& networks, const std::set<std::string>& known);
  Status filter_bridges();
  Result<int> bridge(const runtime::network::NetworkSpec& network);
  Result<std::string> verify_remote(const runtime::network::NetworkSpec& network);
  [[nodiscard]] runtime::network::VxlanEntries entries_for(const runtime::network::NetworkSpec& network,
                                                           const runtime::network::RemoteEntries& remote) const;
  Status make_tunnel();
  Result<std::string> verify_tunnel();
  Status remove_tunnel(bool force);
  void fill_pool_later();
  void fill_pool();

  asio::io_context& loop_;
  asio::io_context worker_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::string table_;
  OtherProcessor processor_;
  // Of the thread.
  asio::steady_timer refill_;
  runtime::UniqueFd lock_;  // lock_networks()
  std::optional<runtime::network::HostNetwork> host_;
  std::map<std::string, int> bridges_;  // index by name of the network
  std::deque<runtime::network::Namespace> ready_;
  runtime::network::PodRules pod_rules_;  // what the rules say
  bool up_ = false;                       // they are there
  // By name of the network: what its device has to know. None: nobody has said so yet, and what is there stays.
  std::map<std::string, runtime::network::RemoteEntries> remote_;
  std::set<std::string> encrypted_;  // networks whose bridges are there
  std::optional<runtime::network::Tunnel> tunnel_;
  bool has_tunnel_ = false;  // the device is there
  std::optional<runtime::network::TunnelPeers> peers_;
  std::thread thread_;  // started at the first use
};

}  // namespace mete::agent
