// SPDX-License-Identifier: Apache-2.0
// Ports, names and namespaces of the machine.
#include <charconv>

#include "config/convert/service.h"

namespace mete::config {
namespace {

struct Range {
  int first = 0;
  int last = 0;
};

// "80" or "80-89"; first 0: it is none.
Range range_of(std::string_view text) {
  constexpr int kHighest = 65535;
  const auto number = [](std::string_view digits) {
    int value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && value <= kHighest ? value : 0;
  };
  const auto dash = text.find('-');
  const int first = number(text.substr(0, dash));
  const int last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  return first > 0 && last >= first ? Range{first, last} : Range{};
}

void add_port(int port, int host_port, const std::string& host_ip, const std::string& protocol, Value& container) {
  Value each;
  each["containerPort"] = port;
  if (host_port > 0) each["hostPort"] = host_port;
  if (!host_ip.empty()) each["hostIP"] = host_ip;
  if (protocol == "udp") each["protocol"] = "UDP";
  if (protocol == "sctp") each["protocol"] = "SCTP";
  container["ports"].push(std::move(each));
}

// A port of the machine is one pod's, whether the service has more of them or not.
void check_replicas(const View& service, const View& port) {
  const auto replicas = replicas_of(service);
  if (replicas < 2) return;
  port.warn({"a port of the machine can be one pod's only: the other " + std::to_string(replicas - 1) +
                 " wait for it; put a Service of type NodePort in front of them instead",
             describe(port.node())});
}

// [IP:][HOST:]CONTAINER[/PROTOCOL]; each of the two may be a range. An address of version 6 is in brackets.
void add_short_port(const View& service, const View& view, Value& container) {
  std::string text = view.text();
  std::string protocol;
  if (const auto slash = text.find('/'); slash != std::string::npos) {
    protocol = text.substr(slash + 1);
    text.resize(slash);
  }
  const auto last = text.rfind(':');
  const Range inside = range_of(last == std::string::npos ? text : text.substr(last + 1));
  std::string host = last == std::string::npos ? "" : text.substr(0, last);
  std::string ip;
  if (const auto colon = host.rfind(':'); colon != std::string::npos) {
    ip = host.substr(0, colon);
    host = host.substr(colon + 1);
    if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  }
  const Range outside = host.empty() ? Range{} : range_of(host);
  if (inside.first == 0 || (!host.empty() && outside.first == 0) ||
      (!host.empty() && outside.last - outside.first != inside.last - inside.first))
    return view.error(mismatch(describe(view.node()), "[ADDRESS:][PORT:]PORT[/udp], with ranges of one length"));
  if (outside.first == 0) {
    leave_out(view, "it has no port of the machine; write HOST:CONTAINER");
  } else {
    check_replicas(service, view);
  }
  for (int i = 0; i <= inside.last - inside.first; ++i)
    add_port(inside.first + i, outside.first > 0 ? outside.first + i : 0, ip, protocol, container);
}

void add_ports(const View& service, Value& container) {
  if (service["network_mode"].text() == "host") {
    if (const View ports = service["ports"])
      leave_out(ports, "with network_mode host a container listens on the machine itself");
    return;
  }
  for (const auto& port : service["ports"].items()) {
    if (port.node().kind != YamlNode::Kind::kMap) {
      add_short_port(service, port, container);
      continue;
    }
    const Range published = range_of(port["published"].text());
    if (published.first > 0) check_replicas(service, port);
    add_port(static_cast<int>(port["target"].integer().value_or(0)), published.first, port["host_ip"].text(),
             port["protocol"].text(), container);
  }
  for (const auto& port : service["expose"].items()) {
    const Range range = range_of(port.text().substr(0, port.text().find('/')));
    for (int i = range.first; i > 0 && i <= range.last; ++i) add_port(i, 0, "", "", container);
  }
}

void add_hosts(const View& service, Value& spec) {
  for (const auto& pair : pairs_of(service["extra_hosts"], "=:")) {
    const std::string address = pair.value.value_or("");
    if (address == "host-gateway") {
      leave_out(pair.at, "a Pod reaches the machine under the address of its network's gateway, or with hostNetwork");
      continue;
    }
    Value alias;
    alias["ip"] = address.starts_with('[') ? address.substr(1, address.size() - 2) : address;
    alias["hostnames"].push(pair.key);
    spec["hostAliases"].push(std::move(alias));
  }
}

void add_resolver(const View& service, Value& spec) {
  for (const auto& server : one_or_more(service["dns"])) spec["dnsConfig"]["nameservers"].push(server.text());
  for (const auto& domain : one_or_more(service["dns_search"])) spec["dnsConfig"]["searches"].push(domain.text());
  for (const auto& option : one_or_more(service["dns_opt"])) {
    const std::string text = option.text();
    const auto colon = text.find(':');
    Value each;
    each["name"] = text.substr(0, colon);
    if (colon != std::string::npos) each["value"] = text.substr(colon + 1);
    spec["dnsConfig"]["options"].push(std::move(each));
  }
}

void add_spaces(const View& service, Value& spec) {
  const View network = service["network_mode"];
  if (network.text() == "host") {
    spec["hostNetwork"] = true;
  } else if (network && network.text() != "bridge" && network.text() != "default") {
    leave_out(network, "host and bridge have one");
  }
  for (const auto& [key, field] : {std::pair{"pid", "hostPID"}, std::pair{"ipc", "hostIPC"}}) {
    const View space = service[key];
    if (space.text() == "host") {
      spec[field] = true;
    } else if (space && space.text() != "private" && space.text() != "shareable") {
      leave_out(space, "host has one; containers share namespaces in one Pod");
    }
  }
}

}  // namespace

void add_network(const View& service, Value& spec, Value& container) {
  if (const View name = service["hostname"]) spec["hostname"] = name.text();
  add_ports(service, container);
  add_hosts(service, spec);
  add_resolver(service, spec);
  add_spaces(service, spec);
}

}  // namespace mete::config
