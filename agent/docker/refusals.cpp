// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/refusals.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/docker/create/device_wishes.h"
#include "agent/docker/create/io_wish.h"
#include "agent/docker/create/log_wish.h"
#include "runtime/network/mac_address.h"

namespace mete::agent::docker {
namespace {

constexpr std::array kRefused = std::to_array<Refused>({
    {"CpuRealtimePeriod", "no container gets realtime bandwidth"},
    {"CpuRealtimeRuntime", "no container gets realtime bandwidth"},
    {"KernelMemory", "the kernel has no such limit any more"},
    {"KernelMemoryTCP", "buffers of TCP count as memory"},
    {"VolumeDriver", "volumes are directories of this machine"},
});

Status refuse(const std::string& field, const std::string& found, const std::string& why) {
  return fail("HostConfig." + field + ": found " + found + ", which mete does not do: " + why);
}

// One of these words, or nothing.
Status check_word(const Json& host, const char* name, std::initializer_list<std::string_view> words, const char* why) {
  const std::string found = text_of(host, name);
  if (found.empty() || std::find(words.begin(), words.end(), found) != words.end()) return {};
  return refuse(name, "\"" + found + "\"", why);
}

// A namespace: one of these words, nothing, or that of another container.
Status check_space(const Json& host, const char* name, const char* kind,
                   std::initializer_list<std::string_view> words) {
  const std::string mode = text_of(host, name);
  const bool known =
      mode.empty() || mode.starts_with("container:") || std::find(words.begin(), words.end(), mode) != words.end();
  return known ? Status() : fail(std::string("Invalid ") + kind + " mode: " + mode);
}

Status check_security(const Json& host) {
  constexpr std::array<std::string_view, 6> kKnown = {"no-new-privileges",      "no-new-privileges:true",
                                                      "no-new-privileges=true", "apparmor=unconfined",
                                                      "apparmor:unconfined",    "label=disable"};
  for (const auto& option : words_of(host, "SecurityOpt")) {
    // A profile's text is looked at when the container is made.
    const bool is_profile = option.starts_with("seccomp=") || option.starts_with("seccomp:");
    if (!is_profile && std::find(kKnown.begin(), kKnown.end(), option) == kKnown.end())
      return refuse("SecurityOpt", "\"" + option.substr(0, 60) + "\"",
                    "expected no-new-privileges, seccomp=PROFILE, apparmor=unconfined or label=disable");
    if (is_profile && option.substr(8) == "builtin" && flag_of(host, "Privileged"))
      return refuse("SecurityOpt", "\"" + option + "\"",
                    "a privileged container has no filter but that of a file: expected seccomp=FILE or unconfined");
  }
  return {};
}

// In another container's network the names and the ports are that one's.
Status check_shared_network(const Json& body, const Json& host) {
  if (!text_of(host, "NetworkMode").starts_with("container:")) return {};
  const auto conflict = [](const char* what) { return fail(std::string("conflicting options: ") + what); };
  // {"80/tcp": {}} is something.
  const auto has = [](const Json& in, const char* name) { return !field(in, name).empty(); };
  if (!text_of(body, "Hostname").empty()) return conflict("hostname and the network mode");
  if (has(host, "Dns")) return conflict("dns and the network mode");
  if (has(host, "ExtraHosts")) return conflict("custom host-to-IP mapping and the network mode");
  if (has(host, "PortBindings") || flag_of(host, "PublishAllPorts"))
    return conflict("port publishing and the container type network mode");
  if (has(body, "ExposedPorts")) return conflict("port exposing and the container type network mode");
  return {};
}

}  // namespace

std::span<const Refused> refused_fields() {
  return kRefused;
}

Status check_supported(const Json& config, const Json& host) {
  for (const auto& [name, why] : kRefused) {
    if (const Json& value = field(host, name); !is_nothing(value)) return refuse(name, value.dump().substr(0, 80), why);
  }
  const std::int64_t swappiness = number_of(host, "MemorySwappiness", -1);
  if (swappiness != -1) return refuse("MemorySwappiness", std::to_string(swappiness), "swapping is the machine's");
  METE_CHECK(check_space(host, "IpcMode", "IPC", {"private", "host", "shareable", "none"}));
  METE_CHECK(check_space(host, "PidMode", "PID", {"host"}));
  METE_CHECK(check_word(host, "UTSMode", {"host"}, "expected host, or a name of its own"));
  METE_CHECK(check_word(host, "UsernsMode", {"host"}, "containers have the machine's user namespace"));
  METE_CHECK(check_word(host, "CgroupnsMode", {"private"}, "a container sees its own cgroups"));
  METE_CHECK(check_word(host, "Isolation", {"default"}, "expected none"));
  if (const std::string runtime = text_of(host, "Runtime"); !runtime.empty() && !is_plain_name(runtime))
    return fail("Unknown runtime specified " + runtime);
  if (const auto log = log_wish(host); !log) return tl::unexpected(log.error());
  if (const auto devices = device_wishes(host); !devices) return tl::unexpected(devices.error());
  if (const auto cdi = cdi_wishes(host); !cdi) return tl::unexpected(cdi.error());
  if (const auto ranges = device_ranges(host); !ranges) return tl::unexpected(ranges.error());
  if (const auto io = io_wish(host); !io) return tl::unexpected(io.error());
  METE_CHECK(check_security(host));
  (void)config;
  return {};
}

Status check_asked(const Json& body) {
  const Json& host = field(body, "HostConfig");
  const std::string network = text_of(host, "NetworkMode");
  std::vector<std::string> addresses = {text_of(body, "MacAddress")};
  const Json endpoints = or_object(field(field(body, "NetworkingConfig"), "EndpointsConfig"));
  for (const auto& [name, endpoint] : endpoints.items()) addresses.push_back(text_of(endpoint, "MacAddress"));
  for (const auto& each : addresses) {
    if (each.empty()) continue;
    const auto mac = runtime::network::parse_mac(each);
    if (!mac || !runtime::network::is_of_one_device(*mac)) return fail("invalid MAC address: " + each.substr(0, 60));
    if (network == "host" || network == "none" || network.starts_with("container:"))
      return fail("conflicting options: mac-address and the network mode");
  }
  METE_CHECK(check_shared_network(body, host));
  if (text_of(host, "UTSMode") == "host" && !(text_of(body, "Hostname").empty() && text_of(body, "Domainname").empty()))
    return fail("conflicting options: hostname and the UTS mode");
  return {};
}

}  // namespace mete::agent::docker
