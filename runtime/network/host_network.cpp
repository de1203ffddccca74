// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/host_network.h"

#include <fcntl.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/file.h"
#include "runtime/network/network_visit.h"
#include "runtime/network/underlay.h"

namespace mete::runtime::network {
namespace {

tl::unexpected<Error> failed(const std::string& doing, const NetlinkSocket::Failure& failure) {
  return fail_in(doing, failure.error);
}

Status done(const std::string& doing, const NetlinkSocket::Done& result) {
  return result ? Status() : failed(doing, result.error());
}

Status set_sysctl(const std::string& name, std::string_view value) {
  const std::string path = "/proc/sys/net/" + name;
  const auto now = read_file(AT_FDCWD, path);
  if (now && now->substr(0, now->find('\n')) == value) return {};
  return write_control(AT_FDCWD, path, value);
}

// The kernel chooses the number of a link that is born in another namespace. 0: there is none of that name.
Result<int> index_inside(Namespace& inside, const std::string& device) {
  int index = 0;
  METE_CHECK(inside.inside.dump(list_links(), [&](const auto& message) {
    const auto link = link_of(message);
    if (link && link->name == device) index = link->index;
  }));
  return index;
}

void add_ways_out(int index, const NetworkSpec& network, bool v6, std::vector<Message>& messages) {
  if (network.internal) return;
  const bool by_device = routes_by_device(network);
  messages.push_back(by_device ? add_default_route_by_device(index, false)
                               : add_default_route(index, gateway_of(network)));
  if (!v6) return;
  messages.push_back(by_device ? add_default_route_by_device(index, true)
                               : add_default_route(index, gateway6_of(network)));
}

}  // namespace

int index_of(const std::string& device) {
  return static_cast<int>(::if_nametoindex(device.c_str()));
}

Result<HostNetwork> HostNetwork::open() {
  METE_TRY(auto links, NetlinkSocket::open(NETLINK_ROUTE));
  HostNetwork host(std::move(links));
  // With ipv6.disable=1 links have nothing of it that could be set.
  host.has_v6_ = ::access("/proc/sys/net/ipv6", F_OK) == 0;
  return host;
}

Result<Namespace> HostNetwork::make_namespace() {
  METE_TRY(const NetworkVisit visit, NetworkVisit::make());
  METE_TRY(auto file, open_at(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY));
  METE_TRY(auto inside, NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<Message> up;
  up.push_back(set_up({}, kLoopbackIndex, {.link_local = true}));
  METE_CHECK(done("bring up lo", inside.request(std::move(up))));
  return Namespace{std::move(file), std::move(inside)};
}

Result<Namespace> HostNetwork::enter(UniqueFd file) {
  METE_TRY(const NetworkVisit visit, NetworkVisit::enter(file.get()));
  METE_TRY(auto inside, NetlinkSocket::open(NETLINK_ROUTE));
  return Namespace{std::move(file), std::move(inside)};
}

// Somebody else's addresses in the same range would lead to nowhere, or ours would.
Status HostNetwork::check_free(const IpRange& range, int bridge) {
  std::optional<UsedRange> used;
  const auto look = [&](const std::optional<UsedRange>& each, unsigned least) {
    if (each && each->link != bridge && each->range.length >= least && overlap(each->range, range)) used = each;
  };
  METE_CHECK(links_.dump(list_addresses(), [&](const auto& message) { look(address_range_of(message), 1); }));
  // A route to a larger range loses only what the network takes from it.
  METE_CHECK(links_.dump(list_routes(), [&](const auto& message) { look(route_range_of(message), range.length); }));
  if (!used) return {};
  char name[IF_NAMESIZE] = {};
  (void)::if_indextoname(static_cast<unsigned>(used->link), name);
  Error taken = fail("network " + to_string(range) + ": found " + to_string(used->range) + " in use on " + name +
                     ", expected a range that this machine does not use yet")
                    .value();
  taken.code = EADDRINUSE;
  return tl::unexpected(std::move(taken));
}

Result<int> HostNetwork::ensure_bridge(const NetworkSpec& network) {
  METE_TRY(const auto all, links());
  const auto same = [&](const Link& each) { return each.name == network.device; };
  const auto found = std::find_if(all.begin(), all.end(), same);
  if (found != all.end() && found->kind != "bridge")
    return fail("network device " + network.device + ": found a device that is no bridge, expected a free name");
  int index = found == all.end() ? 0 : found->index;
  METE_CHECK(check_free(network.range, index));
  if (network.range6) METE_CHECK(check_free(*network.range6, index));
  const bool made = index == 0;
  const std::string doing = "make bridge " + network.device;
  if (made) {
    std::vector<Message> bridge;
    bridge.push_back(make_bridge(network, mac_of(gateway_of(network))));
    METE_CHECK(done(doing, links_.request(std::move(bridge))));
    index = index_of(network.device);
  }
  const auto finished = [&]() -> Status {
    std::vector<Message> rest;
    rest.push_back(add_address(index, gateway_of(network), network.range.length));
    if (network.range6) {
      rest.push_back(add_address(index, gateway6_of(network), network.range6->length));
      // A bridge that was made without IPv6 has no address of its link, and the kernel gives none to one that is up.
      // Without it what comes in by the bridge is not forwarded back into it.
      constexpr unsigned kLinkPrefix = 64;
      rest.push_back(add_address(index, link_local_of(mac_of(gateway_of(network))), kLinkPrefix));
    }
    rest.push_back(set_up({}, index, {.link_local = network.range6.has_value() || !has_v6_}));
    METE_CHECK(done(doing, links_.request(std::move(rest))));
    if (network.overlay) METE_CHECK(ensure_vxlan(network, index));
    // Published ports by 127.0.0.1; the rules keep containers from the machine's loopback.
    return set_sysctl("ipv4/conf/" + network.device + "/route_localnet", "1");
  }();
  if (!finished && made) {
    std::vector<Message> undo;
    undo.push_back(remove_link(index));
    (void)links_.request(std::move(undo));
  }
  if (!finished) return tl::unexpected(finished.error());
  return index;
}

Result<std::string> HostNetwork::check_bridge(const NetworkSpec& network, const std::vector<Endpoint>& endpoints) {
  METE_TRY(const auto all, links());
  const auto named = [&](const std::string& name) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const Link& each) { return each.name == name; });
    return at == all.end() ? nullptr : &*at;
  };
  const Link* const bridge = named(network.device);
  if (bridge == nullptr) return "bridge " + network.device + " was removed";
  if (!bridge->up) return "bridge " + network.device + " was taken down";
  if (network.overlay) {
    const Link* const vxlan = named(vxlan_device(network));
    if (vxlan == nullptr || vxlan->master != bridge->index || !vxlan->up)
      return "device " + vxlan_device(network) + " was taken from bridge " + network.device;
  }
  for (const auto& each : endpoints) {
    const Link* const port = each.network == network.name ? named(each.device) : nullptr;
    if (port != nullptr && (port->master != bridge->index || !port->up))
      return "device " + each.device + " of " + config::to_string(each.address) + " was taken from bridge " +
             network.device;
  }
  return std::string();
}

Status HostNetwork::enslave(const NetworkSpec& network, int bridge, const std::vector<Endpoint>& endpoints) {
  METE_TRY(const auto all, links());
  std::vector<Message> messages;
  for (const auto& link : all) {
    const auto is_its_end = [&](const Endpoint& each) {
      return each.network == network.name && each.device == link.name;
    };
    if (std::none_of(endpoints.begin(), endpoints.end(), is_its_end)) continue;
    if (link.master != bridge) messages.push_back(set_master(link.index, bridge));
    messages.push_back(set_up({}, link.index, port_options(network)));
  }
  return done("connect containers to bridge " + network.device, links_.request(std::move(messages)));
}

Status HostNetwork::filter_bridge(int bridge) {
  if (::access("/proc/sys/net/bridge", F_OK) != 0)
    return fail("the kernel has no br_netfilter (modprobe br_netfilter): what pods of one network send to each other " +
                std::string("passes NetworkPolicies by"));
  std::vector<Message> messages;
  messages.push_back(network::filter_bridge(bridge));
  return done("have the rules see what passes the bridge", links_.request(std::move(messages)));
}

Status HostNetwork::remove_bridge(const NetworkSpec& network) {
  METE_TRY(const auto all, links());
  for (const auto& each : all) {
    const bool vxlan = network.overlay && each.name == vxlan_device(network) && each.kind == "vxlan";
    if (vxlan || (each.name == network.device && each.kind == "bridge")) METE_CHECK(remove(each));
  }
  return {};
}

Status HostNetwork::set_up_inside(Namespace& inside, const NetworkSpec& network, const Endpoint& endpoint) {
  METE_TRY(const int index, index_inside(inside, endpoint.inside));
  const bool v6 = endpoint.address6.has_value();
  std::vector<Message> inner;
  inner.push_back(add_address(index, endpoint.address, network.range.length));
  if (v6) inner.push_back(add_address(index, *endpoint.address6, network.range6->length));
  inner.push_back(set_up({}, index, {.link_local = v6 || !has_v6_}));
  if (endpoint.inside == kInsideDevice) add_ways_out(index, network, v6, inner);
  return done("set up " + endpoint.inside, inside.inside.request(std::move(inner)));
}

Status HostNetwork::set_way_out(Namespace& inside, const NetworkSpec& network, const Endpoint& endpoint) {
  METE_TRY(const int index, index_inside(inside, endpoint.inside));
  std::vector<Message> ways;
  add_ways_out(index, network, endpoint.address6.has_value(), ways);
  for (auto& way : ways) {
    std::vector<Message> one;
    one.push_back(std::move(way));
    const auto set = inside.inside.request(std::move(one));
    if (!set && set.error().error.code != EEXIST) return failed("set the way out by " + endpoint.inside, set.error());
  }
  return {};
}

Status HostNetwork::connect(Namespace& inside, const NetworkSpec& network, int bridge, const Endpoint& endpoint) {
  const std::string doing = "connect " + config::to_string(endpoint.address) + " to bridge " + network.device;
  std::vector<Message> outer;
  outer.push_back(make_veth({endpoint.device, bridge, network.mtu, endpoint.mac, inside.file.get(), endpoint.inside}));
  outer.push_back(set_up(endpoint.device, 0, port_options(network)));
  const auto made = links_.request(std::move(outer));
  // Where the first has failed there is no pair.
  if (!made && made.error().index == 0) return failed(doing, made.error());
  Status set = made ? set_up_inside(inside, network, endpoint) : failed("set up its port", made.error());
  if (set && endpoint.bandwidth != Bandwidth{}) set = hold_bandwidth(endpoint);
  if (set) return {};
  (void)disconnect(endpoint);
  return fail_in(doing, set.error());
}

Status HostNetwork::disconnect(const Endpoint& endpoint) {
  METE_CHECK(remove_shaper(endpoint));
  const int index = index_of(endpoint.device);
  return index == 0 ? Status() : remove(Link{index, endpoint.device, 0, {}, false, 0, {}});
}

// Hairpin: see UpOptions.
UpOptions HostNetwork::port_options(const NetworkSpec& network) const {
  return {.link_local = !has_v6_, .hairpin = true, .isolated = !network.between_containers};
}

Result<std::vector<Link>> HostNetwork::links() {
  std::vector<Link> all;
  METE_CHECK(links_.dump(list_links(), [&](const auto& message) {
    if (auto link = link_of(message)) all.push_back(std::move(*link));
  }));
  return all;
}

Status HostNetwork::remove(const Link& link) {
  std::vector<Message> messages;
  messages.push_back(remove_link(link.index));
  auto removed = links_.request(std::move(messages));
  if (removed || removed.error().error.code == ENODEV) return {};
  return failed("remove network device " + link.name, removed.error());
}

Status HostNetwork::carry_out(std::vector<Message> rules) {
  if (rules.empty()) return {};
  if (!rules_) {
    METE_TRY(rules_, NetlinkSocket::open(NETLINK_NETFILTER));
  }
  auto changed = rules_->transact(std::move(rules));
  // The transaction makes all that it names, so what is missing is a kind of expression or chain: the kernel has
  // nftables and not that part of it, or cannot load its module.
  if (!changed && changed.error().error.code == ENOENT) {
    Error lacks = changed.error().error;
    lacks.code = EOPNOTSUPP;
    lacks.what =
        "change the rules of nftables: this kernel lacks a part that they need (nf_tables with nat, conntrack, "
        "sets and the bridge family): " +
        lacks.what;
    return tl::unexpected(std::move(lacks));
  }
  return done("change the rules of nftables", std::move(changed));
}

Status HostNetwork::forward(bool v6) {
  METE_CHECK(set_sysctl("ipv4/ip_forward", "1"));
  return v6 ? set_sysctl("ipv6/conf/all/forwarding", "1") : Status();
}

}  // namespace mete::runtime::network
