// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/overlay/overlay_records.h"

#include <algorithm>

#include "agent/etcd/messages.h"
#include "agent/networks/endpoint_record.h"
#include "config/base/base64.h"
#include "runtime/json.h"
#include "runtime/network/mac_address.h"

namespace mete::agent {
namespace {

using config::IpAddress;
using nlohmann::json;

constexpr std::string_view kNetworks = "networks/";
constexpr std::string_view kNumbers = "vnis/";
constexpr std::string_view kMembers = "members/";
constexpr std::string_view kHosts = "hosts/";
// An agent that knows no encryption looks for "vni", and leaves the network out.
constexpr const char* kPlainNumber = "vni";
constexpr const char* kEncryptedNumber = "encryptedVni";

template <class T>
Result<T> required(std::optional<T> value, const std::string& what) {
  if (!value) return fail(what);
  return std::move(*value);
}

Result<IpAddress> ip_of(const json& value, const char* name) {
  const std::string text = value.at(name).get<std::string>();
  return required(config::parse_ip(text), std::string(name) + ": found \"" + text + "\", expected an IP address");
}

// The members that begin where etcd's part of the map does.
auto members_in(const OverlayRecords& records, const std::string& network) {
  return records.members.lower_bound({network, IpAddress{}});
}

template <class Fits>
std::vector<OverlayMember> members_that(const OverlayRecords& records, const std::string& network, const Fits& fits) {
  std::vector<OverlayMember> all;
  for (auto at = members_in(records, network); at != records.members.end() && at->first.first == network; ++at) {
    if (fits(at->second)) all.push_back(at->second);
  }
  return all;
}

Result<OverlayNetwork> network_in(const std::string& name, const json& value) {
  OverlayNetwork network;
  network.name = name;
  network.encrypted = value.contains(kEncryptedNumber);
  network.vni = value.at(network.encrypted ? kEncryptedNumber : kPlainNumber).get<std::uint32_t>();
  METE_TRY(network.range, config::parse_range(value.at("subnet").get<std::string>()));
  if (value.contains("subnet6")) {
    METE_TRY(network.range6, config::parse_range(value.at("subnet6").get<std::string>()));
  }
  network.mtu = value.at("mtu").get<std::uint32_t>();
  network.internal = value.value("internal", false);
  network.between_containers = value.value("icc", true);
  for (const auto& each : value.value("labels", json::array()))
    network.labels.emplace_back(each.at(0).get<std::string>(), each.at(1).get<std::string>());
  const bool sound = network.vni > 0 && network.vni <= kLastVni && !network.range.address.v6 &&
                     network.range.host_bits() >= 2 && network.mtu >= 576 && network.mtu <= 65535 &&
                     (!network.range6 || network.range6->address.v6);
  if (!sound) return fail("found a number, a subnet or an MTU that none can have");
  return network;
}

Result<OverlayMember> member_in(const OverlayRecords::Place& place, const json& value) {
  OverlayMember member;
  member.network = place.first;
  member.address = place.second;
  if (value.contains("address6")) {
    METE_TRY(member.address6, ip_of(value, "address6"));
  }
  const auto mac = runtime::network::parse_mac(value.at("mac").get<std::string>());
  if (!mac) return fail("mac: found \"" + value.at("mac").get<std::string>() + "\", expected a hardware address");
  member.mac = *mac;
  member.host = value.at("host").get<std::string>();
  METE_TRY(member.vtep, ip_of(value, "vtep"));
  member.names = value.at("names").get<std::vector<std::string>>();
  constexpr std::uint8_t kGroup = 1;  // the bit of addresses that are no single machine's
  if ((member.mac[0] & kGroup) != 0 || member.mac == runtime::network::MacAddress{} || member.names.empty() ||
      member.host.empty())
    return fail("found a pod without a name or a hardware address of its own");
  return member;
}

Result<OverlayHost> host_in(const std::string& name, const json& value) {
  OverlayHost host;
  host.host = name;
  METE_TRY(host.address, ip_of(value, "address"));
  host.port = value.at("port").get<std::uint16_t>();
  METE_TRY(const auto key, config::decode_base64(value.at("publicKey").get<std::string>()));
  if (key.size() != host.public_key.size() || host.port == 0 || !runtime::network::tunnel_address(name))
    return fail("found a key, a port or a name that no machine can have");
  std::copy(key.begin(), key.end(), host.public_key.begin());
  return host;
}

// Whether others have its key, too.
bool shares_key(const OverlayRecords& records, const OverlayHost& host, const OverlayHost& own) {
  const auto same = [&](const OverlayHost& each) {
    return each.host != host.host && each.public_key == host.public_key;
  };
  return same(own) ||
         std::any_of(records.hosts.begin(), records.hosts.end(), [&](const auto& each) { return same(each.second); });
}

template <class T, class Read>
Result<T> read_record(const std::string& text, Read read) {
  try {
    return read(json::parse(text));
  } catch (const json::exception& error) {
    return fail(error.what());
  }
}

}  // namespace

std::string network_key(const std::string& prefix, const std::string& name) {
  return prefix + std::string(kNetworks) + name;
}
std::string number_key(const std::string& prefix, std::uint32_t vni) {
  return prefix + std::string(kNumbers) + std::to_string(vni);
}
std::string members_key(const std::string& prefix, const std::string& network) {
  return prefix + std::string(kMembers) + network + "/";
}
std::string member_key(const std::string& prefix, const OverlayRecords::Place& place) {
  return members_key(prefix, place.first) + to_string(place.second);
}

std::string host_key(const std::string& prefix, const std::string& host) {
  return prefix + std::string(kHosts) + host;
}

std::string to_json(const OverlayNetwork& network) {
  json value = {{network.encrypted ? kEncryptedNumber : kPlainNumber, network.vni},
                {"subnet", to_string(network.range)},
                {"mtu", network.mtu},
                {"internal", network.internal},
                {"icc", network.between_containers},
                {"labels", json::array()}};
  if (network.range6) value["subnet6"] = to_string(*network.range6);
  for (const auto& [name, label] : network.labels) value["labels"].push_back({name, label});
  return value.dump();
}

std::string to_json(const OverlayMember& member) {
  json value = {{"mac", runtime::network::to_string(member.mac)},
                {"host", member.host},
                {"vtep", to_string(member.vtep)},
                {"names", member.names}};
  if (member.address6) value["address6"] = to_string(*member.address6);
  return value.dump();
}

std::string to_json(const OverlayHost& host) {
  const json value = {
      {"address", to_string(host.address)},
      {"port", host.port},
      {"publicKey", etcd::base64({static_cast<const char*>(static_cast<const void*>(host.public_key.data())),
                                  host.public_key.size()})}};
  return value.dump();
}

Result<OverlayHost> parse_overlay_host(const std::string& host, const std::string& text) {
  return read_record<OverlayHost>(text, [&](const json& value) { return host_in(host, value); });
}

Result<OverlayNetwork> parse_overlay_network(const std::string& name, const std::string& text) {
  return read_record<OverlayNetwork>(text, [&](const json& value) { return network_in(name, value); });
}

Result<OverlayMember> parse_overlay_member(const OverlayRecords::Place& place, const std::string& text) {
  return read_record<OverlayMember>(text, [&](const json& value) { return member_in(place, value); });
}

Status apply(const std::string& prefix, const etcd::Change& change, OverlayRecords& records) {
  const auto& [key, value] = change.pair;
  if (!key.starts_with(prefix)) return {};
  const std::string rest = key.substr(prefix.size());
  if (rest.starts_with(kNetworks)) {
    const std::string name = rest.substr(kNetworks.size());
    records.networks.erase(name);
    if (change.removed) return {};
    auto network = parse_overlay_network(name, value);
    if (!network) return fail_in("etcd's key " + key, network.error());
    records.networks[name] = std::move(*network);
  }
  if (rest.starts_with(kHosts)) {
    const std::string name = rest.substr(kHosts.size());
    records.hosts.erase(name);
    if (change.removed) return {};
    auto host = parse_overlay_host(name, value);
    if (!host) return fail_in("etcd's key " + key, host.error());
    records.hosts[name] = std::move(*host);
  }
  if (!rest.starts_with(kMembers)) return {};
  const auto slash = rest.find('/', kMembers.size());
  const auto address = slash == std::string::npos ? std::nullopt : config::parse_ip(rest.substr(slash + 1));
  if (!address) return fail("etcd's key " + key + ": found no address at its end");
  const OverlayRecords::Place place = {rest.substr(kMembers.size(), slash - kMembers.size()), *address};
  records.members.erase(place);
  if (change.removed) return {};
  auto member = parse_overlay_member(place, value);
  if (!member) return fail_in("etcd's key " + key, member.error());
  records.members[place] = std::move(*member);
  return {};
}

std::optional<std::uint32_t> next_vni(const OverlayRecords& records, std::uint32_t from) {
  for (std::uint32_t number = from; number <= kLastVni; ++number) {
    const auto has = [&](const auto& each) { return each.second.vni == number; };
    if (std::none_of(records.networks.begin(), records.networks.end(), has)) return number;
  }
  return std::nullopt;
}

std::vector<OverlayMember> members_elsewhere(const OverlayRecords& records, const std::string& network,
                                             const std::string& own_host) {
  return members_that(records, network, [&](const OverlayMember& each) { return each.host != own_host; });
}

std::vector<OverlayMember> members_called(const OverlayRecords& records, const std::string& network,
                                          const std::string& own_host, const std::string& name) {
  return members_that(records, network, [&](const OverlayMember& each) {
    return each.host != own_host && std::find(each.names.begin(), each.names.end(), name) != each.names.end();
  });
}

runtime::network::TunnelPeers tunnel_peers(const OverlayRecords& records, const OverlayHost& own) {
  runtime::network::TunnelPeers peers;
  for (const auto& [name, host] : records.hosts) {
    const auto address = runtime::network::tunnel_address(name);
    if (name == own.host || !address || shares_key(records, host, own)) continue;
    peers[host.public_key] = {host.address, host.port, *address};
  }
  return peers;
}

std::vector<Unreached> unreached_machines(const OverlayRecords& records, const std::string& network,
                                          const OverlayHost& own) {
  std::map<std::string, Unreached> all;
  for (const auto& each : members_elsewhere(records, network, own.host)) {
    const auto host = records.hosts.find(each.host);
    if (host == records.hosts.end()) {
      all[each.host] = {each.host, each.vtep, "etcd has no key of it"};
    } else if (shares_key(records, host->second, own)) {
      all[each.host] = {each.host, each.vtep, "another machine has the same key"};
    }
  }
  std::vector<Unreached> list;
  for (const auto& [name, each] : all) list.push_back(each);
  return list;
}

runtime::network::RemoteEntries remote_entries(const OverlayRecords& records, const std::string& network,
                                               const std::string& own_host) {
  runtime::network::RemoteEntries entries;
  const auto known = records.networks.find(network);
  for (const auto& each : members_elsewhere(records, network, own_host)) {
    // Not of the network's range: it would take something else's packets.
    if (known == records.networks.end() || !contains(known->second.range, each.address)) continue;
    IpAddress vtep = each.vtep;
    if (known->second.encrypted) {
      const auto address = runtime::network::tunnel_address(each.host);
      if (!address || !records.hosts.contains(each.host)) continue;
      vtep = *address;
    }
    entries.insert({each.mac, vtep, each.address});
    if (each.address6 && known->second.range6 && contains(*known->second.range6, *each.address6))
      entries.insert({each.mac, vtep, *each.address6});
  }
  return entries;
}

}  // namespace mete::agent
