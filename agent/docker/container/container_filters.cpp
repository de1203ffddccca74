// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/container_filters.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/docker/create/pod_of.h"

namespace mete::agent::docker {
namespace {

using Words = std::vector<std::string>;

// "80", "80/udp", "80-90/tcp"
struct Ports {
  unsigned first = 0;
  unsigned last = 0;
  std::string protocol = "tcp";
};
std::optional<Ports> ports_named(const std::string& text) {
  Ports ports;
  const auto slash = text.find('/');
  if (slash != std::string::npos) ports.protocol = text.substr(slash + 1);
  const char* const end = text.data() + std::min(slash, text.size());
  auto parsed = std::from_chars(text.data(), end, ports.first);
  ports.last = ports.first;
  if (parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == '-')
    parsed = std::from_chars(parsed.ptr + 1, end, ports.last);
  const bool right = parsed.ec == std::errc() && parsed.ptr == end && ports.first <= ports.last && ports.last <= 65535;
  return right ? std::optional(ports) : std::nullopt;
}

// Whether one of the container's ports, by this field of its row, is among those that the filter names.
bool has_port(const Words& wanted, const View& view, const char* number) {
  if (wanted.empty()) return true;
  const Json rows = port_rows(view);
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
    const auto ports = ports_named(text);
    return ports && std::any_of(rows.begin(), rows.end(), [&](const Json& row) {
             const std::int64_t own = agent::docker::number_of(row, number, -1);
             return text_of(row, "Type") == ports->protocol && own >= ports->first && own <= ports->last;
           });
  });
}

// By the volume's name, by the place of the machine, or by where it is mounted.
bool has_mount(const Words& wanted, const View& view) {
  if (wanted.empty()) return true;
  const auto mounts = mounts_of(view.record.config, view.record.host_config);
  return mounts && std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
           return std::any_of(mounts->begin(), mounts->end(), [&](const MountAsked& each) {
             return each.target == name || (!each.source.empty() && each.source == name);
           });
         });
}

bool has_image(const Words& wanted, const ContainerRecord& record) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const std::string& image) {
           return image == record.image || image + ":latest" == record.image || image == record.image + ":latest" ||
                  record.image_id == image || record.image_id.starts_with("sha256:" + image);
         });
}

bool in_network(const Words& wanted, const View& view) {
  const std::string mode = text_of(view.record.host_config, "NetworkMode");
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
           return mode == name || (mode == "default" && name == "bridge") ||
                  std::any_of(view.networks.begin(), view.networks.end(), [&](const Attached& each) {
                    return each.endpoint.network == name || network_id(each.endpoint.network) == name;
                  });
         });
}

bool has_id(const Words& wanted, const ContainerRecord& record) {
  return wanted.empty() ||
         std::any_of(wanted.begin(), wanted.end(), [&](const std::string& id) { return record.id.starts_with(id); });
}

}  // namespace

Result<Filters> container_filters(const std::string& text) {
  METE_TRY(Filters filters,
           Filters::parse(text, {"id", "name", "label", "status", "exited", "ancestor", "network", "health", "publish",
                                 "expose", "volume", "is-task", "before", "since"}));
  constexpr std::array kStates = {"created", "running", "paused", "restarting", "removing", "exited", "dead"};
  for (const auto& status : filters.values("status")) {
    if (std::none_of(kStates.begin(), kStates.end(), [&](const char* each) { return status == each; }))
      return fail("Invalid filter 'status=" + status + "'");
  }
  for (const auto& each : filters.values("exited")) {
    int code = 0;
    const auto parsed = std::from_chars(each.data(), each.data() + each.size(), code);
    if (each.empty() || parsed.ec != std::errc() || parsed.ptr != each.data() + each.size())
      return fail("strconv.Atoi: parsing \"" + each + "\": invalid syntax");
  }
  constexpr std::array kHealth = {"none", "starting", "healthy", "unhealthy"};
  for (const auto& each : filters.values("health")) {
    if (std::none_of(kHealth.begin(), kHealth.end(), [&](const char* known) { return each == known; }))
      return fail("Unrecognised filter value for health: " + each);
  }
  METE_TRY([[maybe_unused]] const auto task, filters.truth("is-task"));
  for (const char* name : {"publish", "expose"}) {
    for (const auto& each : filters.values(name)) {
      if (!ports_named(each))
        return fail("error while looking up for " + std::string(name) + " " + each + ": strconv.ParseUint: parsing \"" +
                    each + "\": invalid syntax");
    }
  }
  return filters;
}

bool is_asked_for(bool of_all, const Filters& filters, const View& view) {
  const bool all = of_all || filters.has("status") || filters.has("exited");
  if (!all && !view.state.running) return false;
  if (filters.empty()) return true;
  const auto& record = view.record;
  if (!filters.equals("status", view.state.status)) return false;
  if (filters.has("exited") &&
      (view.state.status != "exited" || !filters.equals("exited", std::to_string(view.state.exit_code))))
    return false;
  if (!filters.equals("health", view.health != nullptr ? view.health->status : "none")) return false;
  // No container is a swarm's.
  if (filters.has("is-task") && !filters.equals("is-task", "false") && !filters.equals("is-task", "0")) return false;
  return has_id(filters.values("id"), record) && has_image(filters.values("ancestor"), record) &&
         in_network(filters.values("network"), view) && has_mount(filters.values("volume"), view) &&
         has_port(filters.values("publish"), view, "PublicPort") &&
         has_port(filters.values("expose"), view, "PrivatePort") && filters.contains("name", record.name) &&
         filters.labels(texts_of(record.config, "Labels"));
}

}  // namespace mete::agent::docker
