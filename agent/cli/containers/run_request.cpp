// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/run_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<double> decimal_of(const std::string& flag, const std::string& text, const std::string& expected) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !(value >= 0))
    return fail(flag + ": found \"" + text + "\", expected " + expected);
  return value;
}

// "[ADDRESS:][PORT:]PORT[/PROTOCOL]"
Status add_port(const std::string& text, Json& body) {
  const auto wrong = [&] {
    return fail("--publish: found \"" + text + "\", expected [ADDRESS:][PORT:]PORT[/tcp|udp|sctp], one port each");
  };
  const auto slash = text.find('/');
  const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
  std::string rest = text.substr(0, slash);
  const auto last = rest.rfind(':');
  const std::string inside = rest.substr(last == std::string::npos ? 0 : last + 1);
  rest.erase(last == std::string::npos ? 0 : last);
  const auto first = rest.rfind(':');
  const std::string outside = rest.substr(first == std::string::npos ? 0 : first + 1);
  std::string address = first == std::string::npos ? "" : rest.substr(0, first);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const auto is_number = [](const std::string& word) {
    return !word.empty() && word.size() <= 5 && word.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!is_number(inside) || (!outside.empty() && !is_number(outside))) return wrong();
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return wrong();
  const std::string port = inside + "/" + protocol;
  body["ExposedPorts"][port] = Json::object();
  body["HostConfig"]["PortBindings"][port].push_back({{"HostIp", address}, {"HostPort", outside}});
  return {};
}

// "on-failure:3"
Status add_restart(const std::string& text, Json& host) {
  if (text.empty()) return {};
  const auto colon = text.find(':');
  std::int64_t most = 0;
  if (colon != std::string::npos) {
    METE_TRY(const double number,
             decimal_of("--restart", text.substr(colon + 1), "a number of starts after the colon"));
    most = static_cast<std::int64_t>(number);
  }
  host["RestartPolicy"] = {{"Name", text.substr(0, colon)}, {"MaximumRetryCount", most}};
  return {};
}

Status add_resources(const RunOptions& options, Json& host) {
  if (!options.memory.empty()) {
    METE_TRY(host["Memory"], size_of_flag("--memory", options.memory));
  }
  if (!options.cpus.empty()) {
    METE_TRY(const double cpus, decimal_of("--cpus", options.cpus, "a number of CPUs such as 1.5"));
    host["NanoCpus"] = std::llround(cpus * 1e9);
  }
  if (!options.pids.empty()) {
    METE_TRY(const double pids, decimal_of("--pids-limit", options.pids, "a number of processes"));
    host["PidsLimit"] = std::llround(pids);
  }
  return {};
}

void add_lists(const RunOptions& options, Json& host) {
  if (!options.volumes.empty()) host["Binds"] = options.volumes;
  for (const auto& each : options.tmpfs) {
    const auto colon = each.find(':');
    host["Tmpfs"][each.substr(0, colon)] = colon == std::string::npos ? "" : each.substr(colon + 1);
  }
  if (!options.dns.empty()) host["Dns"] = options.dns;
  if (!options.hosts.empty()) host["ExtraHosts"] = options.hosts;
  if (!options.capabilities.empty()) host["CapAdd"] = options.capabilities;
  if (!options.dropped_capabilities.empty()) host["CapDrop"] = options.dropped_capabilities;
}

}  // namespace

Result<std::int64_t> size_of_flag(const std::string& flag, const std::string& text) {
  constexpr const char* kExpected = "a number of bytes, or one with b, k, m, g or t after it";
  std::string number = text;
  std::transform(number.begin(), number.end(), number.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (number.ends_with("ib")) number.erase(number.size() - 2);
  if (number.size() > 1 && number.ends_with("b")) number.pop_back();
  int power = 0;
  const auto unit = number.empty() ? std::string::npos : std::string("kmgt").find(number.back());
  if (unit != std::string::npos) {
    power = static_cast<int>(unit) + 1;
    number.pop_back();
  }
  METE_TRY(const double value, decimal_of(flag, number, kExpected));
  const double bytes = std::ldexp(value, 10 * power);
  if (bytes > 1e18) return fail(flag + ": found \"" + text + "\", expected " + kExpected);
  return static_cast<std::int64_t>(bytes);
}

Result<Json> run_request(const RunOptions& options) {
  if (options.remove && !options.restart.empty() && options.restart != "no")
    return fail("--rm and --restart: found both, expected one of them: what is started again cannot be removed");
  Json body = {{"Image", options.image},
               {"Cmd", options.command.empty() ? Json() : Json(options.command)},
               {"Env", options.env},
               {"Tty", options.tty},
               {"OpenStdin", options.interactive},
               {"StdinOnce", options.interactive && !options.detach},
               {"AttachStdin", options.interactive && !options.detach},
               {"AttachStdout", !options.detach},
               {"AttachStderr", !options.detach},
               {"WorkingDir", options.directory},
               {"User", options.user},
               {"Hostname", options.hostname},
               {"HostConfig", {{"AutoRemove", options.remove}}}};
  if (!options.entrypoint.empty()) body["Entrypoint"] = {options.entrypoint};
  for (const auto& each : options.labels) {
    const auto equal = each.find('=');
    body["Labels"][each.substr(0, equal)] = equal == std::string::npos ? "" : each.substr(equal + 1);
  }
  Json& host = body["HostConfig"];
  host["ReadonlyRootfs"] = options.read_only;
  host["Privileged"] = options.privileged;
  if (options.init) host["Init"] = true;
  METE_CHECK(add_resources(options, host));
  METE_CHECK(add_restart(options.restart, host));
  add_lists(options, host);
  if (!options.network.empty()) host["NetworkMode"] = options.network;
  const std::string network = options.network.empty() ? "default" : options.network;
  if (!options.address.empty())
    body["NetworkingConfig"]["EndpointsConfig"][network]["IPAMConfig"]["IPv4Address"] = options.address;
  for (const auto& each : options.network_options) {
    const auto equal = each.find('=');
    if (equal == std::string::npos) return fail("--network-opt: found \"" + each + "\", expected NAME=VALUE");
    body["NetworkingConfig"]["EndpointsConfig"][network]["DriverOpts"][each.substr(0, equal)] = each.substr(equal + 1);
  }
  for (const auto& each : options.ports) METE_CHECK(add_port(each, body));
  return body;
}

int code_of_refusal(const std::string& message) {
  const auto has = [&](const char* text) { return message.find(text) != std::string::npos; };
  if (has("executable file not found") || has("no such file or directory")) return 127;
  if (has("permission denied") || has("is a directory")) return 126;
  return 125;
}

}  // namespace mete::agent::cli
