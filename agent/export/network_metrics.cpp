// SPDX-License-Identifier: Apache-2.0
#include "agent/export/network_metrics.h"

#include <fcntl.h>

#include <charconv>
#include <optional>

#include "agent/base/agent_families.h"
#include "agent/networks/overlay/overlay_store.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using collectors::LabelBlock;

// Absent where the kernel tracks none, or tells it in the first namespace only.
std::optional<std::uint64_t> tracked(const char* name) {
  const auto text = runtime::read_file(AT_FDCWD, std::string("/proc/sys/net/netfilter/") + name);
  std::uint64_t number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc())
    return std::nullopt;
  return number;
}

using runtime::network::QueueCounts;

// One family of all pods whose bandwidth is limited. `value` of a limit and of what it has done.
template <class Value>
void write_limited(std::string& out, std::string_view family, const std::vector<Networks::LimitedUse>& all,
                   collectors::Format format, Value value) {
  auto writer = own_writer(out, family, format);
  const auto add = [&](const Networks::LimitedUse& use, const char* direction, std::uint64_t limit,
                       const QueueCounts& counts) {
    if (limit == 0) return;
    const auto slash = use.pod.find('/');
    const LabelBlock labels{
        {"namespace", use.pod.substr(0, slash)}, {"pod", use.pod.substr(slash + 1)}, {"direction", direction}};
    writer.add(labels, value(limit, counts));
  };
  for (const auto& use : all) {
    add(use, "ingress", use.limit.ingress, use.throttling.ingress);
    add(use, "egress", use.limit.egress, use.throttling.egress);
  }
}

}  // namespace

void write_networks(std::string& out, const Networks& networks, collectors::Format format) {
  const auto uses = networks.uses();
  const auto each = [&](std::string_view family, std::uint64_t Networks::Use::*value) {
    auto writer = own_writer(out, family, format);
    // Plugins have the addresses of their networks to themselves.
    const bool of_addresses = value == &Networks::Use::addresses || value == &Networks::Use::most_addresses;
    for (const auto& use : uses) {
      if (!of_addresses || use.most_addresses != 0) writer.add(LabelBlock{{"network", use.network}}, use.*value);
    }
  };
  each("mete_network_pods", &Networks::Use::pods);
  each("mete_network_addresses", &Networks::Use::addresses);
  each("mete_network_addresses_limit", &Networks::Use::most_addresses);
  each("mete_network_published_ports", &Networks::Use::ports);
  const auto& counts = networks.names().counts();
  {
    auto questions = own_writer(out, "mete_network_dns_questions_total", format);
    questions.add(LabelBlock{{"outcome", "own"}}, counts.own);
    questions.add(LabelBlock{{"outcome", "forwarded"}}, counts.forwarded);
    questions.add(LabelBlock{{"outcome", "failed"}}, counts.failed);
    questions.add(LabelBlock{{"outcome", "refused"}}, counts.refused);
  }
  const auto limited = networks.limited();
  write_limited(out, "mete_network_bandwidth_limit_bytes", limited, format,
                [](std::uint64_t limit, const QueueCounts&) { return limit; });
  write_limited(out, "mete_network_bandwidth_delayed_packets_total", limited, format,
                [](std::uint64_t, const QueueCounts& queue) { return queue.delayed; });
  write_limited(out, "mete_network_bandwidth_dropped_packets_total", limited, format,
                [](std::uint64_t, const QueueCounts& queue) { return queue.dropped; });
  own_writer(out, "mete_network_drift_total", format).add(networks.drifts());
  if (const auto* const overlay = networks.overlay()) {
    own_writer(out, "mete_network_overlay_connected", format).add(std::uint64_t{overlay->connected()});
    {
      auto encrypted = own_writer(out, "mete_network_overlay_encrypted", format);
      for (const auto& [name, network] : overlay->records().networks)
        encrypted.add(LabelBlock{{"network", name}}, std::uint64_t{network.encrypted});
    }
    {
      auto unreached = own_writer(out, "mete_network_overlay_unreached_machines", format);
      for (const auto& [name, network] : overlay->records().networks) {
        if (network.encrypted) unreached.add(LabelBlock{{"network", name}}, networks.unreached(name));
      }
    }
    auto writer = own_writer(out, "mete_network_overlay_remote_addresses", format);
    for (const auto& [name, network] : overlay->records().networks)
      writer.add(LabelBlock{{"network", name}}, std::uint64_t{networks.elsewhere(name).size()});
  }
  if (const auto now = tracked("nf_conntrack_count")) own_writer(out, "mete_network_connections", format).add(*now);
  if (const auto most = tracked("nf_conntrack_max"))
    own_writer(out, "mete_network_connections_limit", format).add(*most);
}

}  // namespace mete::agent
