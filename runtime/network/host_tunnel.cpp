// SPDX-License-Identifier: Apache-2.0
// The part of HostNetwork by which the machines' packets are encrypted (WireGuard).
#include <fcntl.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "runtime/file.h"
#include "runtime/network/host_network.h"

namespace mete::runtime::network {
namespace {

// Of the route that refuses what no tunnel takes: above all others, and each agent has one.
std::uint32_t dead_end_metric(const std::string& device) {
  constexpr std::uint32_t kLastOfAll = 0xF0000000;
  std::uint32_t sum = 0;
  for (const char each : device) sum = sum * 31 + static_cast<unsigned char>(each);
  return kLastOfAll | sum;
}

std::chrono::seconds now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
}

Error lacks_wireguard(const Error& found) {
  return {EOPNOTSUPP,
          "encrypted: found a kernel without WireGuard (" + found.what +
              "), expected one that has it (CONFIG_WIREGUARD, module wireguard), which encrypts what networks send "
              "between machines"};
}

const Link* named(const std::vector<Link>& all, const std::string& device) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Link& each) { return each.name == device; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace

Status HostNetwork::open_wireguard() {
  if (wireguard_ != 0) return {};
  METE_TRY(generic_, NetlinkSocket::open(NETLINK_GENERIC));
  METE_CHECK(generic_->dump(list_families(), [&](const auto& message) {
    if (const auto family = family_in(message, WG_GENL_NAME)) wireguard_ = *family;
  }));
  if (wireguard_ == 0) return tl::unexpected(lacks_wireguard({ENOENT, "no family wireguard of generic netlink"}));
  return {};
}

Result<int> HostNetwork::make_tunnel(const Tunnel& tunnel) {
  METE_TRY(const auto all, links());
  const Link* const found = named(all, tunnel.device);
  if (found != nullptr && found->kind != WG_GENL_NAME)
    return fail("device " + tunnel.device + ": found one of kind \"" + found->kind + "\", expected a free name");
  if (!has_v6_)
    return fail("encrypted: found a kernel without IPv6, expected one that has it: addresses in the tunnel are of it");
  if (found == nullptr) {
    std::vector<Message> make;
    make.push_back(make_link(tunnel.device, WG_GENL_NAME));
    if (const auto made = links_.request(std::move(make)); !made) {
      const Error& error = made.error().error;
      if (error.code == EOPNOTSUPP) return tl::unexpected(lacks_wireguard(error));
      return fail_in("make device " + tunnel.device, error);
    }
  }
  const int index = index_of(tunnel.device);
  if (index == 0) return fail("make device " + tunnel.device + ": found it removed at once");
  if (found == nullptr || found->mtu != tunnel.mtu) METE_CHECK(ask(set_mtu(index, tunnel.mtu), 0));
  return index;
}

// Its own address and no other one, as of an earlier life of the machine.
Status HostNetwork::settle_addresses(int index, const Tunnel& tunnel) {
  // Where all devices are to have no IPv6, this one has it.
  const std::string off = "/proc/sys/net/ipv6/conf/" + tunnel.device + "/disable_ipv6";
  if (read_file(AT_FDCWD, off).value_or("0\n") != "0\n") METE_CHECK(write_control(AT_FDCWD, off, "0"));
  std::vector<Message> messages;
  METE_CHECK(links_.dump(list_addresses(), [&](const auto& message) {
    const auto each = address_of(message);
    if (each && each->link == index && each->address != tunnel.address)
      messages.push_back(remove_address(index, each->address, each->length));
  }));
  messages.push_back(add_address(index, tunnel.address, kTunnelAddresses.length));
  messages.push_back(add_dead_end(kTunnelAddresses, dead_end_metric(tunnel.device)));
  const auto set = links_.request(std::move(messages));
  return set ? Status() : tl::unexpected(set.error().error);
}

Status HostNetwork::ensure_tunnel(const Tunnel& tunnel) {
  METE_TRY(const int index, make_tunnel(tunnel));
  const std::string doing = "set up device " + tunnel.device;
  const auto finished = [&]() -> Status {
    METE_CHECK(open_wireguard());
    std::vector<Message> keys;
    keys.push_back(set_tunnel(wireguard_, index, tunnel));
    if (const auto set = generic_->request(std::move(keys)); !set) return tl::unexpected(set.error().error);
    METE_CHECK(settle_addresses(index, tunnel));
    return ask(set_up({}, index, {}), 0);
  }();
  if (finished) {
    tunnel_ = tunnel.device;
    return {};
  }
  Error error = finished.error();
  if (error.code == EADDRINUSE)
    error.what = "UDP port " + std::to_string(tunnel.port) +
                 ": found it in use on this machine, expected a free one (network.overlay.wireguardPort)";
  return fail_in(doing, error);
}

Result<PresentTunnel> HostNetwork::present_tunnel(int index) {
  METE_CHECK(open_wireguard());
  PresentTunnel present;
  METE_CHECK(generic_->dump(list_tunnel(wireguard_, index), [&](const auto& message) {
    if (message.nlmsg_type == wireguard_) take_tunnel(message, present);
  }));
  return present;
}

Result<std::string> HostNetwork::check_tunnel(const Tunnel& tunnel) {
  METE_TRY(const auto all, links());
  const Link* const link = named(all, tunnel.device);
  if (link == nullptr) return "device " + tunnel.device + " was removed";
  if (!link->up) return "device " + tunnel.device + " was taken down";
  bool has_address = false;
  METE_CHECK(links_.dump(list_addresses(), [&](const auto& message) {
    const auto each = address_of(message);
    has_address |= each && each->link == link->index && each->address == tunnel.address;
  }));
  if (!has_address) return "the address of device " + tunnel.device + " was taken from it";
  METE_TRY(const auto present, present_tunnel(link->index));
  if (present.public_key != tunnel.public_key || present.port != tunnel.port)
    return "the key or the port of device " + tunnel.device + " was changed";
  return std::string();
}

Result<bool> HostNetwork::set_peers(const Tunnel& tunnel, const TunnelPeers& before, const TunnelPeers& wanted) {
  const int index = index_of(tunnel.device);
  METE_TRY(const auto present, present_tunnel(index));
  const auto changes = peer_changes(present, before, wanted, now());
  // Each message is answered before the next: one may have 30 kB.
  for (auto& message : change_peers(wireguard_, index, changes)) {
    std::vector<Message> one;
    one.push_back(std::move(message));
    if (const auto changed = generic_->request(std::move(one)); !changed)
      return fail_in("tell device " + tunnel.device + " of other machines", changed.error().error);
  }
  return std::any_of(changes.begin(), changes.end(),
                     [](const PeerChange& each) { return each.does != PeerChange::Does::kMove; });
}

Status HostNetwork::remove_tunnel(const std::string& device) {
  METE_TRY(const auto all, links());
  tunnel_.clear();
  (void)ask(remove_dead_end(kTunnelAddresses, dead_end_metric(device)), ESRCH);
  const Link* const found = named(all, device);
  return found == nullptr || found->kind != WG_GENL_NAME ? Status() : remove(*found);
}

}  // namespace mete::runtime::network
