// SPDX-License-Identifier: Apache-2.0
// HostNetwork: networks whose containers are further devices of a device of this machine.
#include <cerrno>

#include "runtime/network/host_network.h"
#include "runtime/network/underlay.h"

namespace mete::runtime::network {
namespace {

// `kind`: "macvlan", "vlan".
tl::unexpected<Error> refused(const std::string& doing, const std::string& kind, Error error) {
  if (error.code == EOPNOTSUPP)
    return fail_in(doing, fail("this kernel has no network devices of kind " + kind + " (module " +
                               (kind == "vlan" ? "8021q" : kind) + ")")
                              .value());
  return fail_in(doing, std::move(error));
}

}  // namespace

// The index of the parent, which is there or can be made.
Result<int> HostNetwork::make_parent(const NetworkSpec& network) {
  const std::string& parent = network.underlay.parent;
  if (const int index = index_of(parent); index != 0) return index;
  if (!network.underlay.makes_parent)
    return fail("network " + network.name + ": found no device " + parent + " on this machine, which it is made of");
  const auto vlan = vlan_of(parent);
  const std::string doing = "make device " + parent + " of network " + network.name;
  const int below = vlan ? index_of(vlan->device) : 0;
  if (vlan && below == 0) return fail(doing + ": found no device " + vlan->device + " on this machine");
  std::vector<Message> messages;
  // Without a way out the parent is a device that leads nowhere.
  messages.push_back(vlan ? make_vlan(parent, *vlan, below) : make_link(parent, "dummy"));
  messages.push_back(set_up(parent, 0, {.link_local = true}));
  if (auto made = links_.request(std::move(messages)); !made) {
    (void)remove_parent(network);
    return refused(doing, vlan ? "vlan" : "dummy", std::move(made.error().error));
  }
  return index_of(parent);
}

Status HostNetwork::ensure_parent(const NetworkSpec& network) {
  const bool was_there = index_of(network.underlay.parent) != 0;
  METE_TRY(const int parent, make_parent(network));
  METE_TRY(Namespace inside, make_namespace());
  Endpoint trial;
  std::vector<Message> messages;
  messages.push_back(make_on_parent(network, trial, parent, inside.file.get()));
  auto made = links_.request(std::move(messages));
  // At once, as the namespace's end removes it later: one parent has one device of mode passthru.
  if (made) return remove_inside(inside, trial.inside);
  if (!was_there) (void)remove_parent(network);
  return refused("make containers' devices of " + network.underlay.parent, to_string(network.driver),
                 std::move(made.error().error));
}

Status HostNetwork::remove_parent(const NetworkSpec& network) {
  if (!network.underlay.makes_parent) return {};
  const int index = index_of(network.underlay.parent);
  return index == 0 ? Status() : remove(Link{index, network.underlay.parent, 0, {}, false, 0});
}

Status HostNetwork::connect_to_parent(Namespace& inside, const NetworkSpec& network, const Endpoint& endpoint) {
  const std::string doing =
      "connect " + config::to_string(endpoint.address) + " to device " + network.underlay.parent + " of this machine";
  METE_TRY(const int parent, make_parent(network));
  std::vector<Message> messages;
  messages.push_back(make_on_parent(network, endpoint, parent, inside.file.get()));
  if (auto made = links_.request(std::move(messages)); !made)
    return refused(doing, to_string(network.driver), std::move(made.error().error));
  const auto set = set_up_inside(inside, network, endpoint);
  if (set) return {};
  (void)remove_inside(inside, endpoint.inside);
  return fail_in(doing, set.error());
}

Status HostNetwork::remove_inside(Namespace& inside, const std::string& device) {
  int index = 0;
  METE_CHECK(inside.inside.dump(list_links(), [&](const auto& message) {
    const auto link = link_of(message);
    if (link && link->name == device) index = link->index;
  }));
  if (index == 0) return {};
  std::vector<Message> messages;
  messages.push_back(remove_link(index));
  const auto removed = inside.inside.request(std::move(messages));
  return removed ? Status() : Status(fail_in("remove network device " + device, removed.error().error));
}

}  // namespace mete::runtime::network
