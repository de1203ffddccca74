// SPDX-License-Identifier: Apache-2.0
// `mete port-forward`: a port of this machine that leads to one of a pod, while the command runs.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/cli/objects/pod_word.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "runtime/network/forward.h"

namespace mete::agent::cli {
namespace {

using runtime::UniqueFd;

struct ForwardOptions {
  std::string pod;
  std::string space;
  std::vector<std::string> ports;
  std::string addresses = "localhost";
};

struct Ports {
  std::uint16_t local = 0;  // 0: one that is free
  std::uint16_t remote = 0;
};

Result<Ports> parse_ports(const std::string& text) {
  const auto number = [&](std::string_view part, bool may_be_none) -> Result<std::uint16_t> {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    const bool none = part.empty() || value == 0;
    if ((none && may_be_none) || (error == std::errc() && end == part.data() + part.size() && value != 0)) return value;
    return fail("port: found \"" + text + "\", expected REMOTE, LOCAL:REMOTE or :REMOTE, each from 1 to 65535");
  };
  const auto colon = text.find(':');
  Ports ports;
  METE_TRY(ports.remote, number(colon == std::string::npos ? text : text.substr(colon + 1), false));
  ports.local = ports.remote;
  if (colon == std::string::npos) return ports;
  METE_TRY(ports.local, number(text.substr(0, colon), true));
  return ports;
}

struct Listener {
  UniqueFd socket;
  std::string shown;  // "127.0.0.1:8080"
  Ports ports;
};

// "127.0.0.1" or "::1".
Result<Listener> listen_at(const std::string& address, Ports ports) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  socklen_t size = sizeof *v4;
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(ports.local);
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(ports.local);
    size = sizeof *v6;
  } else {
    return fail("--address: found \"" + address + "\", expected localhost or IP addresses, with ',' between them");
  }
  const bool six = storage.ss_family == AF_INET6;
  Listener listener{UniqueFd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), {}, ports};
  const int on = 1;
  constexpr int kWaiting = 128;
  if (!listener.socket.valid()) return fail_errno("socket");
  (void)::setsockopt(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (six) (void)::setsockopt(listener.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  auto* const any = reinterpret_cast<sockaddr*>(&storage);
  if (::bind(listener.socket.get(), any, size) != 0 || ::listen(listener.socket.get(), kWaiting) != 0 ||
      ::getsockname(listener.socket.get(), any, &size) != 0) {
    return fail_errno("listen on " + address + " port " + std::to_string(ports.local));
  }
  listener.ports.local = ntohs(six ? v6->sin6_port : v4->sin_port);
  listener.shown = (six ? "[" + address + "]" : address) + ":" + std::to_string(listener.ports.local);
  return listener;
}

std::vector<std::string> addresses_of(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    const std::string each = text.substr(start, end - start);
    if (each == "localhost") {
      all.insert(all.end(), {"127.0.0.1", "::1"});
    } else {
      all.push_back(each);
    }
    start = end + 1;
  }
  return all;
}

// One of a port is enough, as with kubectl: a machine may have no IPv6.
Result<std::vector<Listener>> listen_all(const ForwardOptions& options) {
  std::vector<Listener> all;
  for (const auto& text : options.ports) {
    METE_TRY(Ports ports, parse_ports(text));
    std::optional<Error> failed;
    bool any = false;
    for (const auto& address : addresses_of(options.addresses)) {
      auto listener = listen_at(address, ports);
      if (!listener) {
        failed = listener.error();
        continue;
      }
      ports.local = listener->ports.local;  // both families of a free port have the same number
      all.push_back(std::move(*listener));
      any = true;
    }
    if (!any) return tl::unexpected(failed.value_or(Error{0, "--address: found none, expected one"}));
  }
  return all;
}

// Whose network is the pod's. Asked for anew at each connection: a container may have been started again meanwhile.
Result<runtime::process::ProcessId> process_of(const Common& common, const std::string& pod) {
  const auto answer = Client(common.socket).request("GET", "/mete/v1/pods/" + pod_key(pod));
  if (!answer) return tl::unexpected(answer.error());
  const Json value = Json::parse(answer->body, nullptr, false);
  if (answer->status != 200 || value.is_discarded()) return fail("there is no pod " + pod_key(pod));
  for (const auto& each : value["containers"]) {
    if (each.contains("pid"))
      return runtime::process::ProcessId{each["pid"].get<pid_t>(), each.value("pidStartTime", std::uint64_t{0})};
  }
  return fail("pod " + pod_key(pod) + ": found no running container, expected one");
}

void serve(const Common& common, const std::string& pod, UniqueFd client, Ports ports) {
  auto process = process_of(common, pod);
  auto inside = process ? runtime::network::connect_inside(*process, ports.remote) : tl::unexpected(process.error());
  if (!inside) {
    std::fprintf(stderr, "error: an error occurred forwarding %u -> %u: %s\n", static_cast<unsigned>(ports.local),
                 static_cast<unsigned>(ports.remote), printable(inside.error().what).c_str());
    return;
  }
  runtime::network::relay_streams(client, *inside);
}

int port_forward(const Common& common, ForwardOptions options) {
  auto word = pod_word(options.pod, options.space);
  if (!word) return complain("port-forward: " + word.error().what, kUsage);
  options.pod = std::move(*word);
  if (const auto there = process_of(common, options.pod); !there) return complain(there.error().what);
  auto listeners = listen_all(options);
  if (!listeners) return complain(listeners.error().what);
  std::vector<pollfd> waits;
  for (const auto& each : *listeners) {
    print("Forwarding from " + each.shown + " -> " + std::to_string(each.ports.remote) + "\n");
    waits.push_back({each.socket.get(), POLLIN, 0});
  }
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return complain("poll");
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if ((std::exchange(waits[i].revents, short{0}) & POLLIN) == 0) continue;
      UniqueFd client(::accept4(waits[i].fd, nullptr, nullptr, SOCK_CLOEXEC));
      if (!client.valid()) continue;
      const Ports ports = (*listeners)[i].ports;
      print("Handling connection for " + std::to_string(ports.local) + "\n");
      std::thread([&common, pod = options.pod, ports, client = std::move(client)]() mutable {
        serve(common, pod, std::move(client), ports);
      }).detach();
    }
  }
}

}  // namespace

void add_port_forward(CommandLine& line) {
  auto options = std::make_shared<ForwardOptions>();
  const Common& common = line.common();
  auto* command = line.add({"port-forward", "Lead ports of this machine to ports of a pod, until it is interrupted",
                            "  mete port-forward web 8080:80\n  mete port-forward web :80 --address 0.0.0.0"},
                           [&common, options] { return port_forward(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("ports", options->ports, "REMOTE, LOCAL:REMOTE, or :REMOTE for a free local one")
      ->type_name("PORT")
      ->required();
  command->add_option("-n,--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
  command->add_option("--address", options->addresses, "Where to listen: localhost or IP addresses")
      ->type_name("ADDRESS");
}

}  // namespace mete::agent::cli
