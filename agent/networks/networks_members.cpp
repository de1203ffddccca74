// SPDX-License-Identifier: Apache-2.0
// How a pod becomes a member of a network, and how it leaves it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/event_reasons.h"
#include "agent/networks/dns/member_names.h"
#include "agent/networks/networks.h"
#include "config/model/objects.h"
#include "runtime/file.h"
#include "runtime/network/mac_address.h"

namespace mete::agent {
namespace {

using runtime::network::Driver;
using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

constexpr const char* kAddressAnnotation = "mete/ip";
constexpr const char* kHardwareAnnotation = "mete/mac";

// The hardware address that a pod asks for.
Result<runtime::network::MacAddress> read_hardware(const NetworkSpec& network, const std::string& text) {
  if (network.driver != Driver::kMacvlan && network.driver != Driver::kCni && network.driver != Driver::kBridge)
    return fail("mete/mac: found it with network " + network.name + " of driver " + to_string(network.driver) +
                ", expected bridge, macvlan or cni: others make hardware addresses themselves");
  const auto mac = runtime::network::parse_mac(text);
  if (!mac || !runtime::network::is_of_one_device(*mac))
    return fail("mete/mac: found \"" + text +
                "\", expected a hardware address of one device, such as 02:00:00:00:00:01");
  return *mac;
}

}  // namespace

Status Networks::take_addresses(Network& network, Endpoint& endpoint, const std::string& wanted) {
  if (network.spec.overlay) return take_overlay_addresses(network, endpoint, wanted);
  if (wanted.empty()) {
    METE_TRY(endpoint.address, network.addresses.take());
  } else {
    const auto address = config::parse_ip(wanted);
    if (!address || address->v6) return fail("address: found \"" + wanted + "\", expected an IPv4 address");
    METE_CHECK(network.addresses.take(*address));
    endpoint.address = *address;
  }
  if (!network.addresses6) return {};
  auto v6 = network.addresses6->take();
  if (v6) {
    endpoint.address6 = *v6;
    return {};
  }
  network.addresses.give_back(endpoint.address);
  return tl::unexpected(std::move(v6.error()));
}

Result<Endpoint> Networks::make_endpoint(const std::string& uid, const config::Pod& pod,
                                         const runtime::network::Bandwidth& bandwidth) {
  const std::string name = network_of(pod);
  const auto network = networks_.find(name);
  if (network == networks_.end())
    return fail("network " + name + ": found no network of that name, expected one of `mete network ls`");
  const NetworkSpec& spec = network->second.spec;
  Endpoint endpoint;
  endpoint.network = name;
  if (has_bridge(spec)) endpoint.device = new_end(thread_.end_prefix());
  endpoint.ports = published_ports(pod);
  METE_CHECK(can_publish(spec, endpoint.ports));
  endpoint.names = names_of(pod);
  METE_TRY(endpoint.links, links_of(pod));
  endpoint.bandwidth = bandwidth;
  if (has_parent(spec) && bandwidth != runtime::network::Bandwidth{})
    return fail("bandwidth: found network " + name + " of driver " + to_string(spec.driver) +
                ", whose packets pass no bridge of mete's, expected a bridge");
  if (const std::string wanted = annotation_of(pod, kHardwareAnnotation); !wanted.empty()) {
    METE_TRY(endpoint.mac, read_hardware(spec, wanted));
    for (const auto& [other, member] : members_) {
      // On one bridge it would get the other's packets.
      if (other != uid && member.endpoint.network == name && member.endpoint.mac == endpoint.mac)
        return fail("mete/mac: found " + wanted + ", which " + member.endpoint.names.front() + " has in network " +
                    name + ", expected another one");
    }
  }
  // An earlier life of the pod had an address, which it keeps.
  const auto before = members_.find(uid);
  const bool keeps = before != members_.end() && before->second.endpoint.network == name;
  METE_CHECK(claims_.claim(uid, config::full_name(pod.metadata), endpoint.ports));
  if (spec.driver == Driver::kCni) return endpoint;
  if (keeps) {
    endpoint.address = before->second.endpoint.address;
    endpoint.address6 = before->second.endpoint.address6;
  } else if (auto taken = take_addresses(network->second, endpoint, annotation_of(pod, kAddressAnnotation)); !taken) {
    claims_.give_up(uid);
    return tl::unexpected(std::move(taken.error()));
  }
  const bool has_one = endpoint.mac != runtime::network::MacAddress{};
  if (spec.driver != Driver::kIpvlan && !has_one) endpoint.mac = runtime::network::mac_of(endpoint.address);
  return endpoint;
}

bool Networks::wants(const config::Pod& pod) const {
  return !network_of(pod).empty() || !published_ports(pod).empty();
}

void Networks::connect(const std::string& uid, const config::Pod& pod, const runtime::network::Bandwidth& bandwidth,
                       Done done) {
  const std::string name = network_of(pod);
  const bool publishes = !published_ports(pod).empty();
  if (name.empty()) return done(fail("hostPort: found a pod without a network, expected one that ports can lead to"));
  const auto network = networks_.find(name);
  if (is_of_plugins(name)) return connect_plugins(uid, pod, bandwidth, std::move(done));
  if (network != networks_.end() && !has_bridge(network->second.spec))
    return connect_now(uid, pod, bandwidth, std::move(done));
  if (is_of_another(name)) return connect_with(uid, pod, std::move(done));
  when_up([this, uid, pod, bandwidth, name, publishes, done = std::move(done)](const Status& up) {
    if (!up && !unavailable_.empty() && !publishes) return done({});
    if (!up) return done(up);
    connect_now(uid, pod, bandwidth, [this, publishes, done](const Status& connected) {
      const bool starts_without = !connected && gives_up(connected.error()) && !publishes;
      done(starts_without ? Status() : connected);
    });
  });
}

// Its namespace is gone, its rules are not. Its further networks, which it is put into again.
std::vector<Endpoint> Networks::end_earlier_life(const std::string& uid) {
  const auto before = members_.find(uid);
  if (before == members_.end()) return {};
  dns_.close_inside(uid);
  const auto end = [&](const Endpoint& each, runtime::UniqueFd inside) {
    // Plugins begin their ADD with the DEL of an earlier one.
    if (!is_of_plugins(each.network) && each.network != kNoNetwork)
      thread_.disconnect(each, {}, std::move(inside), [](const Status&) {});
  };
  for (const auto& each : before->second.more) end(each, {});
  end(before->second.endpoint, std::move(members_.change(uid).inside));
  return before->second.more;
}

void Networks::connect_now(const std::string& uid, const config::Pod& pod, const runtime::network::Bandwidth& bandwidth,
                           Done done) {
  auto endpoint = make_endpoint(uid, pod, bandwidth);
  if (!endpoint) return done(tl::unexpected(std::move(endpoint.error())));
  auto more = end_earlier_life(uid);
  const std::uint64_t life = ++lives_;
  members_.change(uid) = {*endpoint, {}, std::move(more), {}, life};
  claim(*endpoint,
        [this, uid, pod, bandwidth, done = std::move(done), endpoint = *endpoint, life](const Status& claimed) {
          const auto member = members_.find(uid);
          if (member == members_.end()) return give_up_claim(endpoint);
          if (member->second.life != life) return;  // connected once more meanwhile
          if (claimed) return join_soon({uid, life, done});
          forget(uid);
          // Another machine was faster: the next address.
          if (claimed.error().code == EEXIST && annotation_of(pod, kAddressAnnotation).empty())
            return connect_now(uid, pod, bandwidth, done);
          done(claimed);
        });
}

// What Services and NetworkPolicies say of all that join in one turn of the loop is one look, and one transaction.
void Networks::join_soon(Joining joining) {
  joining_.push_back(std::move(joining));
  if (joining_.size() == 1) asio::post(services_.loop, alive_.guard([this] { join(); }));
}

void Networks::join() {
  const auto all = std::exchange(joining_, {});
  if (on_member_) on_member_();
  for (auto each : all) {
    const auto member = members_.find(each.uid);
    // Disconnected meanwhile, or connected again.
    if (member == members_.end() || member->second.life != each.life) continue;
    const auto& endpoint = member->second.endpoint;
    each.bandwidth = endpoint.bandwidth;
    thread_.connect({networks_.at(endpoint.network).spec, endpoint, record_of(each.uid), {}},
                    [this, each](Result<runtime::UniqueFd> inside) { joined(each, std::move(inside)); });
  }
}

void Networks::joined(const Joining& joining, Result<runtime::UniqueFd> inside) {
  const auto member = members_.find(joining.uid);
  // Disconnected meanwhile, or connected again.
  if (member == members_.end() || member->second.life != joining.life) return;
  if (!inside) {
    forget(joining.uid);
    return joining.done(tl::unexpected(std::move(inside.error())));
  }
  Member& own = members_.change(joining.uid);
  own.inside = std::move(*inside);
  for (const auto& each : std::exchange(own.more, {})) attach_more(joining.uid, each, [](const Status&) {});
  // Changed while it was connected.
  if (const auto now = own.endpoint.bandwidth; now != joining.bandwidth) {
    own.endpoint.bandwidth = joining.bandwidth;
    hold(joining.uid, now, [](const Status&) {});
  }
  answer_inside(joining.uid, joining.done);
}

bool Networks::adopt(const std::string& uid, const runtime::process::ProcessId& process) {
  const auto member = members_.find(uid);
  if (member == members_.end()) return false;
  auto inside = open_network_of(process);
  if (!inside) return false;
  members_.change(uid).inside = std::move(*inside);
  answer_inside(uid, [](const Status&) {});
  return true;
}

void Networks::give_back(const Endpoint& endpoint) {
  const auto network = networks_.find(endpoint.network);
  if (network == networks_.end() || endpoint.shared || is_of_plugins(endpoint.network)) return;
  network->second.addresses.give_back(endpoint.address);
  if (endpoint.address6 && network->second.addresses6) network->second.addresses6->give_back(*endpoint.address6);
  give_up_claim(endpoint);
}

void Networks::forget(const std::string& uid) {
  const auto member = members_.find(uid);
  if (member == members_.end()) return;
  forget_sharers(member->second.endpoint);
  dns_.close_inside(uid);
  give_back(member->second.endpoint);
  for (const auto& each : member->second.more) give_back(each);
  claims_.give_up(uid);
  members_.erase(uid);
}

void Networks::disconnect(const std::string& uid) {
  const auto member = members_.find(uid);
  if (member == members_.end()) return;
  // The namespace is another pod's, and no rule and no device is this one's.
  if (member->second.endpoint.shared) {
    (void)::unlink(record_of(uid).c_str());
    return forget(uid);
  }
  const auto leave_plugins = [&](const std::string& record, const Endpoint& endpoint) {
    if (!is_of_plugins(endpoint.network)) return false;
    (void)::unlink(record.c_str());
    cni_.remove(uid, endpoint.network, [](const Status&) {});
    return true;
  };
  for (const auto& each : member->second.more) {
    const std::string record = record_of_more(uid, each.network);
    if (!leave_plugins(record, each)) thread_.disconnect(each, record, {}, [](const Status&) {});
  }
  if (leave_plugins(record_of(uid), member->second.endpoint)) return forget(uid);
  if (member->second.endpoint.network == kNoNetwork) {
    (void)::unlink(record_of(uid).c_str());
    return forget(uid);
  }
  thread_.disconnect(
      member->second.endpoint, record_of(uid), std::move(members_.change(uid).inside), [this, uid](const Status& done) {
        if (done) return;
        services_.events.add({.severity = Severity::kWarning,
                              .reason = name_of(Reason::kNetworkFailed),
                              .message = "The rules of a pod that is gone could not be removed: " + done.error().what});
      });
  forget(uid);
}

void Networks::publish(const std::string& uid, const config::Pod& pod, Done done) {
  const auto member = members_.find(uid);
  const auto ports = published_ports(pod);
  if (member == members_.end() || member->second.endpoint.network == kNoNetwork) return done({});
  if (member->second.endpoint.ports == ports) return done({});
  if (member->second.endpoint.shared)
    return done(fail("hostPort: found a pod in the network of another pod, expected the ports with that one"));
  if (is_of_plugins(member->second.endpoint.network))
    return done(fail("hostPort: found other ports of a pod in network " + member->second.endpoint.network +
                     ", whose plugins take them only at its start, expected the same ports"));
  const auto network = networks_.find(member->second.endpoint.network);
  const Status can = network == networks_.end() ? Status() : can_publish(network->second.spec, ports);
  if (!can) return done(can);
  if (auto claimed = claims_.claim(uid, config::full_name(pod.metadata), ports); !claimed) return done(claimed);
  const Endpoint before = member->second.endpoint;
  members_.change(uid).endpoint.ports = ports;
  thread_.change(before, member->second.endpoint, record_of(uid), std::move(done));
}

}  // namespace mete::agent
