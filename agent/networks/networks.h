// SPDX-License-Identifier: Apache-2.0
// The networks of this machine's pods: which there are, who has which address and which port of the machine. Decides
// and remembers on the loop; NetworkThread makes what was decided. A record is written before what it records is made,
// so that the next agent finds every address, device and rule again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/services.h"
#include "agent/networks/cni/cni_networks.h"
#include "agent/networks/dns/dns_responder.h"
#include "agent/networks/dns/name_book.h"
#include "agent/networks/members.h"
#include "agent/networks/network_thread.h"
#include "agent/networks/overlay/overlay_key.h"
#include "agent/networks/overlay/overlay_records.h"
#include "agent/networks/pod_wishes.h"
#include "agent/networks/port_claims.h"
#include "agent/networks/rules_watch.h"
#include "agent/networks/service_views.h"
#include "runtime/network/address_pool.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

inline constexpr const char* kDefaultNetwork = "bridge";
// A network of which nobody has said a subnet has a /24 of these.
inline constexpr config::IpRange kRangesToChooseFrom{{false, {10, 78, 0, 0}}, 16};

// What a pod's endpoint names that is in the network namespace of a pod which is in none of these networks.
inline constexpr const char* kMachinesNetwork = "host";
inline constexpr const char* kNoNetwork = "none";

// The network namespace that exactly this process is in. Error ESRCH or ENOENT: there is no such process any more.
[[nodiscard]] Result<runtime::UniqueFd> open_network_of(const runtime::process::ProcessId& process);

class OverlayStore;

class Networks {
 public:
  explicit Networks(Services& services);
  ~Networks();
  Networks(const Networks&) = delete;
  Networks& operator=(const Networks&) = delete;

  // Reads the records, and makes or takes over what they say. `pods`: the uids of all pods that there are; what belongs
  // to none of them is removed. Empty: not known, and nothing is removed.
  void begin(const std::optional<std::set<std::string>>& pods);

  // The network that the pod asks for by its annotation mete/network, or the default one; "container:POD": that of
  // another pod; empty: none, or the machine's.
  [[nodiscard]] std::string network_of(const config::Pod& pod) const;

  // networks_shared.cpp: the namespace of a pod, "default/web", that is in no network of this agent's. The error: it is
  // not there, or does not run. Set before the first pod connects.
  using FindNamespace = std::function<Result<runtime::UniqueFd>(const std::string& pod)>;
  void find_namespaces_by(FindNamespace find) { find_namespace_ = std::move(find); }
  // A pod in the network of another one, of which nothing runs: the other may have been started anew meanwhile. One
  // that does not run now has left it its namespace.
  void rejoin(const std::string& uid, const config::Pod& pod);

  // Whether it is to be connected at all.
  [[nodiscard]] bool wants(const config::Pod& pod) const;

  // Connects the pod: an address, a namespace, its published ports. `done` on the loop: later, or at once with an
  // error. The error: nothing is connected, and nothing is taken.
  using Done = std::function<void(Status)>;
  void connect(const std::string& uid, const config::Pod& pod, const runtime::network::Bandwidth& bandwidth, Done done);
  // One that an earlier agent has connected, and whose process still runs. False: it is to be connected again.
  bool adopt(const std::string& uid, const runtime::process::ProcessId& process);
  // Gives back all that it has. One that has nothing is no error.
  void disconnect(const std::string& uid);
  // The manifest's ports have changed. The error: what was published stays so.
  void publish(const std::string& uid, const config::Pod& pod, Done done);

  // networks_bandwidth.cpp: what it may receive and send from now on.
  void hold(const std::string& uid, const runtime::network::Bandwidth& bandwidth, Done done);

  // What a pod has; null: nothing.
  [[nodiscard]] const runtime::network::Endpoint* endpoint(const std::string& uid) const;
  // "/proc/PID/fd/N" of the connected namespace; empty: the container makes one of its own.
  [[nodiscard]] std::string namespace_path(const std::string& uid) const;
  // The namespace itself; -1: it has none. It stays this object's.
  [[nodiscard]] int namespace_descriptor(const std::string& uid) const;
  // v4 before v6.
  [[nodiscard]] std::vector<std::string> addresses(const std::string& uid) const;

  // networks_names.cpp: the pod has other names now, in all its networks. One that has nothing is no error.
  void call_anew(const std::string& uid, const config::Pod& pod);
  // Where it asks for names; empty: nobody answers there.
  [[nodiscard]] std::string resolver(const std::string& uid) const;
  // Where plugins say that it is to ask; empty: they do not.
  [[nodiscard]] std::optional<runtime::network::cni::ResultDns> resolver_of_plugins(const std::string& uid) const;

  // networks_more.cpp: `mete network connect` and `disconnect` of a pod that runs, "default/web", to a further network,
  // with a device of its own: eth1 and on. They end with the pod's network. One that has left all gets its own anew.
  void connect_more(const std::string& pod, const std::string& network, const std::string& address, Done done);
  void disconnect_more(const std::string& pod, const std::string& network, const Done& done);
  // networks_leave.cpp: a pod that runs leaves its own network, a bridge. `next`, a further one of it that is a bridge,
  // is its own from then on, by which it reaches everything else; empty: it is in none.
  void leave(const std::string& pod, const std::string& next, const Done& done);
  // The error: why it cannot leave it for `next`.
  [[nodiscard]] Status can_leave(const std::string& pod, const std::string& next) const;
  // Called after it for the pod, "default/web", and for those in its namespace: they have another address.
  void on_moved(std::function<void(const std::string& pod)> callback) { on_moved_ = std::move(callback); }
  [[nodiscard]] std::vector<runtime::network::Endpoint> further(const std::string& uid) const;

  // networks_services.cpp: where Services lead to and what NetworkPolicies allow from now on, and the Services' names
  // ("default/web"). Brings the default network up where there are Services, unless pods have none by agent.yaml.
  void serve(runtime::network::PodRules rules, ServiceNames names, Done done);
  // Called when pods have their addresses, before anything of them is connected: what it may do has to be known first.
  void on_member(std::function<void()> callback) { on_member_ = std::move(callback); }
  // Ports of this machine for a Service, in place of those that it had. The error: somebody has one of them.
  [[nodiscard]] Status claim_node_ports(const std::string& service,
                                        const std::vector<runtime::network::PublishedPort>& ports);
  // The machine in the default network: where what listens on it is reached from pods. 0.0.0.0: nowhere by this kind.
  [[nodiscard]] config::IpAddress machine_address(bool v6) const;

  // networks_changes.cpp: `mete network`.
  using Words = std::vector<std::pair<std::string, std::string>>;
  struct Wanted {
    std::string name;
    std::string driver;   // bridge, which empty is, or overlay
    std::string subnet;   // empty: the next free one
    std::string subnet6;  // empty: no IPv6
    std::string gateway;  // empty: the first address of the subnet
    std::string gateway6;
    std::string part;  // of the subnet, for containers; empty: all
    Words reserved;    // names and addresses of others
    Words options;     // of the driver
    std::string mtu;   // empty: that of the default network, or of the parent
    bool internal = false;
    bool between_containers = true;
    Words labels;
    unsigned first = 0;  // the first of the ranges to choose from
  };
  void create(const Wanted& wanted, Done done);
  // The error: there is none of that name, or somebody is in it.
  void remove(const std::string& name, Done done);
  [[nodiscard]] std::vector<runtime::network::NetworkSpec> list() const;  // the default one first
  // networks_cni.cpp, of driver cni. Whether its plugins are ready, and whether its pods are as they were connected.
  struct CheckedPod {
    std::string pod;    // "default/web"
    std::string wrong;  // empty: nothing
  };
  using Checked = std::function<void(Result<std::vector<CheckedPod>>)>;
  void check(const std::string& network, Checked done);
  // Has its plugins release what belongs to no pod of this agent.
  void collect_garbage(const std::string& network, Done done);
  // Names of those that nobody is in, without the default one.
  [[nodiscard]] std::vector<std::string> unused() const;
  [[nodiscard]] std::vector<runtime::network::Endpoint> members_of(const std::string& network) const;
  // networks_overlay.cpp: pods of other machines in it.
  [[nodiscard]] std::vector<OverlayMember> elsewhere(const std::string& network) const;
  // What is known in etcd; null: agent.yaml names none.
  [[nodiscard]] const OverlayStore* overlay() const { return overlay_.get(); }
  // networks_tunnel.cpp: this machine's end of the tunnel of encrypted networks; empty: it has none of them. And
  // machines that such a network does not reach, as etcd has no key of them.
  [[nodiscard]] const std::optional<runtime::network::Tunnel>& tunnel() const { return tunnel_; }
  [[nodiscard]] std::uint64_t unreached(const std::string& network) const;
  [[nodiscard]] const DnsResponder& names() const { return dns_; }
  // For metrics; addresses are those of IPv4.
  struct Use {
    std::string network;
    std::uint64_t pods = 0;
    std::uint64_t ports = 0;
    std::uint64_t addresses = 0;
    std::uint64_t most_addresses = 0;
  };
  [[nodiscard]] std::vector<Use> uses() const;
  // Pods whose bandwidth is limited, and what that has done, at most 10 s ago.
  struct LimitedUse {
    std::string pod;  // "default/web"
    runtime::network::Bandwidth limit;
    runtime::network::HostNetwork::Throttling throttling;
  };
  [[nodiscard]] std::vector<LimitedUse> limited() const;
  [[nodiscard]] std::uint64_t drifts() const { return drifts_; }

  // The agent ends and takes all with it.
  void take_down();

 private:
  struct Network {
    runtime::network::NetworkSpec spec;
    runtime::network::AddressPool addresses;
    std::optional<runtime::network::AddressPool> addresses6;
  };
  enum class State { kDown, kStarting, kUp };

  // One that has its addresses and is to be connected at the end of the loop's turn.
  struct Joining {
    std::string uid;
    std::uint64_t life = 0;
    Done done;
    runtime::network::Bandwidth bandwidth = {};  // with which it is connected
  };

  [[nodiscard]] std::string record_of(const std::string& uid) const;
  void join_soon(Joining joining);
  void join();
  void joined(const Joining& joining, Result<runtime::UniqueFd> inside);
  void read_records(const std::optional<std::set<std::string>>& pods);
  void read_networks();
  void add_network(runtime::network::NetworkSpec spec);
  [[nodiscard]] std::string network_record(const std::string& name) const;
  [[nodiscard]] Result<runtime::network::NetworkSpec> spec_of(const Wanted& wanted) const;
  void answer_names();
  // networks_names.cpp
  void answer_inside(const std::string& uid, const Done& done);
  [[nodiscard]] std::string who_answers(const std::string& uid) const;
  void names_failed(const Error& error);
  const NameBook& book() const;
  [[nodiscard]] const Member* asker_of(const DnsResponder::Asker& asker) const;
  [[nodiscard]] std::optional<DnsResponder::Found> find_name(const DnsResponder::Asker& asker,
                                                             const std::string& name) const;
  [[nodiscard]] std::vector<config::IpAddress> find_pods(const Member& asker, const std::string& name) const;
  [[nodiscard]] const ServiceName* find_service(const std::string& space, const std::string& name) const;
  [[nodiscard]] std::optional<DnsResponder::Found> find_of_services(const Member& asker, const std::string& name) const;
  void rules_changed(const std::string& who);
  void verify_soon();
  void measure();
  void drifted(const std::string& what);
  [[nodiscard]] NetworkThread::Networks all_networks() const;  // that are bridges
  [[nodiscard]] NetworkThread::Endpoints all_endpoints() const;
  void when_up(Done done);
  [[nodiscard]] bool gives_up(const Error& error);
  void brought_up(const Status& made);
  [[nodiscard]] bool is_of_plugins(const std::string& network) const;
  void connect_plugins(const std::string& uid, const config::Pod& pod, const runtime::network::Bandwidth& bandwidth,
                       Done done);
  void attach_plugins(const std::string& uid, const runtime::network::Endpoint& endpoint, const Done& done);
  void release_leftovers();
  [[nodiscard]] Status save(const std::string& uid, const runtime::network::Endpoint& endpoint) const;
  std::vector<runtime::network::Endpoint> end_earlier_life(const std::string& uid);
  void connect_now(const std::string& uid, const config::Pod& pod, const runtime::network::Bandwidth& bandwidth,
                   Done done);
  [[nodiscard]] Result<runtime::network::Endpoint> make_endpoint(const std::string& uid, const config::Pod& pod,
                                                                 const runtime::network::Bandwidth& bandwidth);
  [[nodiscard]] Result<std::vector<runtime::network::PublishedPort>> free_ports(const std::string& uid,
                                                                                const config::Pod& pod) const;
  Status take_addresses(Network& network, runtime::network::Endpoint& endpoint, const std::string& wanted);
  void give_back(const runtime::network::Endpoint& endpoint);
  void attach(const std::string& uid, const runtime::network::Endpoint& endpoint, bool publishes, const Done& done);
  void make_network(const runtime::network::NetworkSpec& spec, Done done);
  void drop_network(const runtime::network::NetworkSpec& spec, Done done);
  // networks_overlay.cpp
  void begin_overlay();
  [[nodiscard]] OwnRecords own_overlay() const;
  [[nodiscard]] std::vector<OverlayMember> called_elsewhere(const std::string& network, const std::string& name) const;
  [[nodiscard]] OverlayMember overlay_member_of(const runtime::network::Endpoint& endpoint) const;
  [[nodiscard]] Result<runtime::network::NetworkSpec> overlay_spec(const OverlayNetwork& network) const;
  void bring_up_learned();
  void learn_network(const OverlayNetwork& network);
  void overlay_changed();
  void create_overlay(const Wanted& wanted, Done done);
  void undo_overlay(const std::string& name, const Status& why, const Done& done);
  void create_in_etcd(const OverlayNetwork& network, const Done& done);
  // networks_tunnel.cpp
  [[nodiscard]] bool has_encrypted() const;
  [[nodiscard]] Result<config::IpAddress> local_of(const OverlayNetwork& network) const;
  [[nodiscard]] Result<std::uint32_t> most_mtu(const OverlayNetwork& network) const;
  Status prepare_tunnel();
  [[nodiscard]] std::optional<OverlayHost> own_host() const;
  void tell_peers();
  Status take_overlay_addresses(Network& network, runtime::network::Endpoint& endpoint, const std::string& wanted);
  // In etcd, where the network is one over several machines.
  void claim(const runtime::network::Endpoint& endpoint, Done done);
  void give_up_claim(const runtime::network::Endpoint& endpoint);
  void forget(const std::string& uid);
  [[nodiscard]] Members::Map::const_iterator find_pod(const std::string& pod) const;
  [[nodiscard]] std::string record_of_more(const std::string& uid, const std::string& network) const;
  void attach_own(const std::string& uid, runtime::network::Endpoint endpoint, const Done& done);
  void take_along(const runtime::network::Endpoint& before, const runtime::network::Endpoint& now);
  void moved(const std::string& uid);
  void attach_more(const std::string& uid, runtime::network::Endpoint endpoint, const Done& done);
  void connect_with(const std::string& uid, const config::Pod& pod, Done done);
  [[nodiscard]] Result<Member> shared_with(const config::Pod& pod);
  [[nodiscard]] Status share(const std::string& uid, const config::Pod& pod);
  void forget_sharers(const runtime::network::Endpoint& endpoint);

  Services& services_;
  NetworkThread thread_;
  CniNetworks cni_;
  std::uint64_t lives_ = 0;
  State state_ = State::kDown;
  std::string unavailable_;  // why this machine has no bridge; empty: it has, or nobody has tried
  std::vector<Done> waiting_;
  std::map<std::string, Network> networks_;
  Members members_;
  mutable std::optional<NameBook> book_;  // as of book_version_ of the members
  mutable std::uint64_t book_version_ = 0;
  FindNamespace find_namespace_;
  std::vector<Joining> joining_;
  PortClaims claims_;
  DnsResponder dns_;
  runtime::network::PodRules pod_rules_;
  std::function<void()> on_member_;
  std::function<void(const std::string& pod)> on_moved_;
  ServiceNames service_names_;
  std::unique_ptr<OverlayStore> overlay_;
  std::set<std::string> creating_;  // networks that etcd is asked about
  std::set<std::string> learned_;   // those of other machines that have no bridge here yet
  std::set<std::string> refused_;   // networks of etcd that this machine cannot have, and that was told
  std::optional<OverlayKey> key_;   // of encrypted networks, from the first of them on
  std::optional<runtime::network::Tunnel> tunnel_;
  std::map<std::pair<std::string, std::string>, Unreached> unreached_;  // by network and machine, as it was told
  bool names_failed_ = false;                                           // and reported
  RulesWatch watch_;
  bool healing_ = false;
  std::uint64_t drifts_ = 0;
  std::string changed_by_;  // who has changed the rules meanwhile; empty: nobody
  Timer verify_;
  Alive alive_;
};

}  // namespace mete::agent
