// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/overlay_reader.h"

#include <array>

#include "config/values/quantity.h"

namespace mete::config {
namespace {

constexpr std::array kEtcdFields = std::to_array<FieldSpec>({
    {.name = "endpoints",
     .type = FieldType::kStringList,
     .required = true,
     .doc = "Addresses of its servers, http://HOST:PORT or https://HOST:PORT; one is asked, the next when it fails"},
    {.name = "caFile",
     .type = FieldType::kString,
     .doc = "Certificates (PEM) that the servers' are checked with; default: the system's"},
    {.name = "certFile", .type = FieldType::kString, .doc = "This machine's certificate (PEM), with keyFile"},
    {.name = "keyFile", .type = FieldType::kString, .doc = "Its key (PEM)"},
    {.name = "username", .type = FieldType::kString, .doc = "A user of etcd, with passwordFile"},
    {.name = "passwordFile", .type = FieldType::kString, .doc = "A file with the password"},
    {.name = "prefix", .type = FieldType::kString, .doc = "Of all keys; /mete where none is set"},
});
constexpr ObjectSpec kEtcdSpec = {.name = "Etcd", .fields = kEtcdFields};

constexpr std::array kOverlayFields = std::to_array<FieldSpec>({
    {.name = "etcd",
     .type = FieldType::kObject,
     .required = true,
     .object = &kEtcdSpec,
     .doc = "Where the machines keep what they have to know of each other"},
    {.name = "advertise",
     .type = FieldType::kString,
     .doc = "The address of this machine that the others send to; not set: that by which it reaches etcd"},
    {.name = "port",
     .type = FieldType::kInteger,
     .min = 1,
     .max = 65535,
     .doc = "UDP, of VXLAN; 4789 where none is set"},
    {.name = "wireguardPort",
     .type = FieldType::kInteger,
     .min = 1,
     .max = 65535,
     .doc = "UDP, of WireGuard, by which encrypted networks go; 14789 where none is set"},
    {.name = "ttl",
     .type = FieldType::kDuration,
     .doc = "How long a machine may be silent before the others forget its pods, 5s to 1h; 60s where none is set"},
});

bool is_server(const std::string& url) {
  for (const std::string scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const std::string authority = url.substr(scheme.size());
    return !authority.empty() && authority.find_first_of("/@?# ") == std::string::npos;
  }
  return false;
}

void read_etcd(const View& view, OverlayPolicy& overlay) {
  overlay.endpoints = view["endpoints"].texts();
  bool plain = false;
  for (const auto& each : overlay.endpoints) {
    plain |= each.starts_with("http://");
    if (!is_server(each))
      view["endpoints"].error(mismatch("\"" + each + "\"", "http://HOST:PORT or https://HOST:PORT"));
  }
  if (view["endpoints"] && overlay.endpoints.empty()) view["endpoints"].error(mismatch("none", "at least one server"));
  overlay.ca_file = view["caFile"].text();
  overlay.cert_file = view["certFile"].text();
  overlay.key_file = view["keyFile"].text();
  overlay.username = view["username"].text();
  overlay.password_file = view["passwordFile"].text();
  if (overlay.cert_file.empty() != overlay.key_file.empty())
    view.error(mismatch("one of certFile and keyFile", "both or neither"));
  if (overlay.username.empty() != overlay.password_file.empty())
    view.error(mismatch("one of username and passwordFile", "both or neither"));
  if (plain && !(overlay.ca_file + overlay.cert_file).empty())
    view["endpoints"].error(mismatch("certificates with an address of http://", "https://"));
  overlay.prefix = view["prefix"].text("/mete");
  if (!overlay.prefix.ends_with('/')) overlay.prefix += '/';
}

}  // namespace

const ObjectSpec kOverlaySpec = {.name = "Overlay", .fields = kOverlayFields};

OverlayPolicy read_overlay(const View& view) {
  using std::chrono::seconds;
  OverlayPolicy overlay;
  if (!view) return overlay;
  read_etcd(view["etcd"], overlay);
  if (const View advertise = view["advertise"]) {
    overlay.advertise = parse_ip(advertise.text());
    if (!overlay.advertise) advertise.error(mismatch(describe(advertise.node()), "an IP address of this machine"));
  }
  overlay.port = view["port"].integer().value_or(overlay.port);
  overlay.tunnel_port = view["wireguardPort"].integer().value_or(overlay.tunnel_port);
  if (overlay.tunnel_port == overlay.port)
    view["wireguardPort"].error(mismatch(std::to_string(overlay.port), "another port than VXLAN's"));
  if (const auto ttl = read_with(view["ttl"], parse_duration)) {
    overlay.ttl = std::chrono::duration_cast<seconds>(*ttl);
    if (*ttl < seconds(5) || *ttl > std::chrono::hours(1))
      view["ttl"].error(mismatch(describe(view["ttl"].node()), "5s to 1h"));
  }
  return overlay;
}

}  // namespace mete::config
