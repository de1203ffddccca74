// SPDX-License-Identifier: Apache-2.0
// Limits of bandwidth, at the ends on the bridges.
#include <cerrno>
#include <map>

#include "runtime/network/host_network.h"

namespace mete::runtime::network {
namespace {

// Whose device it is, by its name; empty: nobody's of `prefix`.
std::string end_of_shaper(const std::string& name, const std::string& prefix) {
  for (const auto& each : {shaper_of(prefix), former_shaper_of(prefix)}) {
    if (name.starts_with(each)) return prefix + name.substr(each.size());
  }
  return {};
}

}  // namespace

// `tolerated`: a code that is no error.
Status HostNetwork::ask(Message message, int tolerated) {
  std::vector<Message> one;
  one.push_back(std::move(message));
  auto asked = links_.request(std::move(one));
  if (asked || asked.error().error.code == tolerated) return {};
  return tl::unexpected(std::move(asked.error().error));
}

Status HostNetwork::hold_bandwidth(const Endpoint& endpoint) {
  const int outer = index_of(endpoint.device);
  if (outer == 0) return fail("limit its bandwidth: found no device " + endpoint.device);
  const auto& wanted = endpoint.bandwidth;
  // Of a device without a limit the kernel says ENOENT.
  const Status in =
      wanted.ingress == 0 ? ask(free_rate(outer), ENOENT) : ask(limit_rate(outer, wanted.ingress, wanted.burst), 0);
  if (!in) return fail_in("limit what " + config::to_string(endpoint.address) + " receives", in.error());
  if (wanted.egress != 0) return hold_egress(endpoint, outer);
  if (index_of(shaper_of(endpoint.device)) == 0) return {};
  METE_CHECK(ask(free_incoming(outer), ENOENT));
  return remove_shaper(endpoint);
}

Status HostNetwork::hold_egress(const Endpoint& endpoint, int outer) {
  const std::string name = shaper_of(endpoint.device);
  const auto held = [&]() -> Status {
    METE_CHECK(ask(make_link(name, "ifb"), EEXIST));
    const int shaper = index_of(name);
    // The rate first: nothing passes without it.
    METE_CHECK(ask(limit_rate(shaper, endpoint.bandwidth.egress, endpoint.bandwidth.burst), 0));
    METE_CHECK(ask(set_up({}, shaper, {.link_local = !has_v6_}), 0));
    METE_CHECK(ask(hold_incoming(outer), EEXIST));
    return ask(redirect_incoming(outer, shaper), EEXIST);
  }();
  if (held) return {};
  (void)ask(free_incoming(outer), ENOENT);
  (void)remove_shaper(endpoint);
  const std::string doing = "limit what " + config::to_string(endpoint.address) + " sends";
  if (held.error().code != ENOENT && held.error().code != EOPNOTSUPP) return fail_in(doing, held.error());
  Error lacks = held.error();
  lacks.code = EOPNOTSUPP;
  lacks.what = doing + ": this kernel lacks a part that it needs (ifb, sch_ingress, cls_u32, act_mirred, sch_tbf): " +
               lacks.what;
  return tl::unexpected(std::move(lacks));
}

Status HostNetwork::remove_shaper(const Endpoint& endpoint) {
  const std::string name = shaper_of(endpoint.device);
  const int index = endpoint.shared ? 0 : index_of(name);
  return index == 0 ? Status() : remove(Link{index, name, 0, {}, false, 0});
}

Status HostNetwork::adopt_shapers(const std::set<std::string>& known, const std::string& prefix) {
  METE_TRY(const auto all, links());
  for (const auto& link : all) {
    const std::string end = link.kind == "ifb" ? end_of_shaper(link.name, prefix) : std::string();
    if (end.empty()) continue;
    if (!known.contains(end)) {
      METE_CHECK(remove(link));
    } else if (link.name != shaper_of(end)) {
      // Before Linux 6.2 a device that is up keeps its name.
      METE_CHECK(ask(set_down(link.index), 0));
      METE_CHECK(ask(rename_link(link.index, shaper_of(end)), 0));
      METE_CHECK(ask(set_up({}, link.index, {.link_local = !has_v6_}), 0));
    }
  }
  return {};
}

Result<std::vector<HostNetwork::Throttling>> HostNetwork::throttling(const std::vector<Endpoint>& endpoints) {
  std::map<int, QueueCounts> counts;
  METE_CHECK(links_.dump(list_queues(), [&](const auto& message) {
    if (const auto queue = queue_of(message)) counts[queue->index] = *queue;
  }));
  std::vector<Throttling> all;
  for (const auto& each : endpoints)
    all.push_back({counts[index_of(each.device)], counts[index_of(shaper_of(each.device))]});
  return all;
}

}  // namespace mete::runtime::network
