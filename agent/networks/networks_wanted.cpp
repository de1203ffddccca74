// SPDX-License-Identifier: Apache-2.0
// What `mete network create` asks for as a network: every word of it is looked at before anything is made.
#include <net/if.h>

#include <algorithm>
#include <charconv>

#include "agent/networks/networks.h"
#include "runtime/network/underlay.h"

namespace mete::agent {
namespace {

using config::IpAddress;
using config::IpRange;
using runtime::network::Driver;
using runtime::network::has_parent;
using runtime::network::NetworkSpec;

constexpr std::uint32_t kLeastMtu = 1280;  // what IPv6 needs
constexpr std::uint32_t kMostMtu = 65535;

// docker's rule.
Status check_network_name(const std::string& name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLongest = 64;
  const bool fine = !name.empty() && name.size() <= kLongest && kLetters.find(name.front()) != std::string_view::npos &&
                    name.find_first_not_of(std::string(kLetters) + "_.-") == std::string::npos;
  if (!fine || name == "none" || name == "host")
    return fail("network name: found \"" + name +
                "\", expected at most 64 letters, digits, '_', '.' and '-', with a letter or digit first, and neither "
                "none nor host");
  return {};
}

Result<Driver> read_driver(const std::string& name) {
  if (name.empty()) return Driver::kBridge;
  if (const auto driver = runtime::network::driver_named(name)) return *driver;
  return fail("driver: found \"" + name + "\", expected bridge, overlay, macvlan, ipvlan or cni" +
              (name == "host" || name == "none" ? ", as none and host are annotations of a pod" : ""));
}

// Networks over several machines have their own, as each machine gives of the others by itself.
const IpRange kOverlaysToChooseFrom{{false, {10, 80, 0, 0}}, 16};

// The first /24 of `all` that is in no network yet, from number `first` on.
Result<IpRange> next_range(const std::vector<NetworkSpec>& networks, unsigned first, const IpRange& all) {
  for (std::uint64_t i = first; i < 256; ++i) {
    const IpRange range = config::range_of(config::nth(all, i << 8U), 24);
    const auto taken = [&](const NetworkSpec& each) {
      return each.driver != Driver::kCni && overlap(each.range, range);
    };
    if (std::none_of(networks.begin(), networks.end(), taken)) return range;
  }
  return fail("subnet: found all of " + to_string(all) + " taken, expected one that is given");
}

Result<IpRange> range_for(const std::string& text, bool v6, const std::vector<NetworkSpec>& networks) {
  METE_TRY(const auto range, config::parse_range(text));
  if (range.address.v6 != v6 || range.host_bits() < 2)
    return fail("subnet: found \"" + text + "\", expected " + (v6 ? "IPv6, at most a /126" : "IPv4, at most a /30"));
  for (const auto& each : networks) {
    if (each.driver == Driver::kCni) continue;
    if (overlap(each.range, range) || (each.range6 && overlap(*each.range6, range)))
      return fail("subnet: found \"" + text + "\", which network " + each.name + " has, expected a free one");
  }
  return range;
}

Result<IpAddress> address_in(const std::string& what, const std::string& text, const IpRange& range) {
  const auto address = config::parse_ip(text);
  if (!address || address->v6 != range.address.v6 || !contains(range, *address) || *address == range.address)
    return fail(what + ": found \"" + text + "\", expected an address of " + to_string(range));
  return *address;
}

Status read_addresses(const Networks::Wanted& wanted, const std::vector<NetworkSpec>& all, NetworkSpec& spec) {
  const auto& ranges = spec.driver == Driver::kOverlay ? kOverlaysToChooseFrom : kRangesToChooseFrom;
  METE_TRY(spec.range,
           wanted.subnet.empty() ? next_range(all, wanted.first, ranges) : range_for(wanted.subnet, false, all));
  if (!wanted.subnet6.empty()) {
    METE_TRY(spec.range6, range_for(wanted.subnet6, true, all));
  }
  const bool chosen = !wanted.subnet.empty();
  if (!chosen && (!wanted.gateway.empty() || !wanted.part.empty() || !wanted.reserved.empty()))
    return fail("subnet: found none, expected the one that the gateway, the range and the addresses are of");
  if (!wanted.gateway.empty()) {
    METE_TRY(spec.gateway, address_in("gateway", wanted.gateway, spec.range));
  }
  if (!wanted.gateway6.empty()) {
    if (!spec.range6) return fail("gateway: found \"" + wanted.gateway6 + "\", expected a subnet for it");
    METE_TRY(spec.gateway6, address_in("gateway", wanted.gateway6, *spec.range6));
  }
  if (!wanted.part.empty()) {
    METE_TRY(const auto part, config::parse_range(wanted.part));
    if (!contains(spec.range, part.address) || part.length < spec.range.length)
      return fail("ip-range: found \"" + wanted.part + "\", expected a part of " + to_string(spec.range));
    spec.part = part;
  }
  for (const auto& [name, text] : wanted.reserved) {
    METE_TRY(const auto address, address_in("aux-address " + name, text, spec.range));
    spec.reserved.emplace_back(name, address);
  }
  if (runtime::network::pool_of(spec).size() == 0)
    return fail("ip-range: found \"" + wanted.part + "\" without a free address, expected one at least");
  return {};
}

// Docker's rules: a parent belongs to one network, and one that is made for it goes with it.
Status read_parent(const std::vector<NetworkSpec>& all, NetworkSpec& spec) {
  auto& underlay = spec.underlay;
  if (underlay.parent.empty()) {
    underlay.parent = new_end("dm-");
    underlay.makes_parent = true;
    spec.internal = true;
    return {};
  }
  if (spec.internal)
    return fail("internal: found a parent, by which there is a way out, expected none with an internal network");
  for (const auto& each : all) {
    if (has_parent(each) && each.underlay.parent == underlay.parent)
      return fail("network option parent: found " + underlay.parent + ", which network " + each.name +
                  " has, expected another device or VLAN");
  }
  if (::if_nametoindex(underlay.parent.c_str()) != 0) return {};
  const auto vlan = runtime::network::vlan_of(underlay.parent);
  if (!vlan || ::if_nametoindex(vlan->device.c_str()) == 0)
    return fail("network option parent: found no device " + (vlan ? vlan->device : underlay.parent) +
                " on this machine, expected one that it has");
  underlay.makes_parent = true;
  return {};
}

// The records that the machines share have the subnets alone.
Status check_overlay(const Networks::Wanted& wanted) {
  const bool plain =
      wanted.gateway.empty() && wanted.gateway6.empty() && wanted.part.empty() && wanted.reserved.empty();
  if (plain) return {};
  return fail(
      "gateway: found one, a range or reserved addresses for driver overlay, expected none: the gateway is the "
      "first address on each machine");
}

// All but their name is in the files of the plugins.
Status read_plugins(const Networks::Wanted& wanted, NetworkSpec& spec) {
  if (spec.configuration.empty()) spec.configuration = spec.name;
  const bool plain = wanted.subnet.empty() && wanted.subnet6.empty() && wanted.gateway.empty() &&
                     wanted.gateway6.empty() && wanted.part.empty() && wanted.reserved.empty();
  if (!plain) return fail("subnet: found addresses for driver cni, whose plugins give them, expected none");
  if (!wanted.mtu.empty()) return fail("mtu: found \"" + wanted.mtu + "\" for driver cni, expected it in its files");
  if (spec.internal) return fail("internal: found it with driver cni, whose plugins say what leads out, expected none");
  return {};
}

Status read_mtu(const std::string& text, NetworkSpec& spec) {
  if (text.empty()) return {};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, spec.mtu);
  if (error != std::errc() || at != end || spec.mtu < kLeastMtu || spec.mtu > kMostMtu)
    return fail("mtu: found \"" + text + "\", expected 1280 to 65535");
  return {};
}

}  // namespace

Result<NetworkSpec> Networks::spec_of(const Wanted& wanted) const {
  METE_CHECK(check_network_name(wanted.name));
  NetworkSpec spec;
  METE_TRY(spec.driver, read_driver(wanted.driver));
  if (networks_.contains(wanted.name))
    return fail("network " + wanted.name + ": found one of that name, expected a free name");
  spec.name = wanted.name;
  spec.internal = wanted.internal;
  spec.between_containers = wanted.between_containers;
  spec.labels = wanted.labels;
  for (const auto& [name, value] : wanted.options) METE_CHECK(runtime::network::set_option(spec, name, value));
  const auto all = list();
  if (spec.driver == Driver::kOverlay) METE_CHECK(check_overlay(wanted));
  if (has_bridge(spec)) {
    spec.device = new_end("mtb");
    spec.mtu = networks_.at(kDefaultNetwork).spec.mtu;
  } else {
    if (!wanted.between_containers)
      return fail("icc: found driver " + wanted.driver + ", expected bridge, whose containers can be kept apart");
    spec.mtu = 0;
  }
  if (has_parent(spec)) METE_CHECK(read_parent(all, spec));
  if (spec.driver == Driver::kCni) {
    METE_CHECK(read_plugins(wanted, spec));
    return spec;
  }
  METE_CHECK(read_mtu(wanted.mtu, spec));
  METE_CHECK(read_addresses(wanted, all, spec));
  return spec;
}

}  // namespace mete::agent
