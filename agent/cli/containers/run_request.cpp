// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/run_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "agent/cli/containers/published_ports.h"
#include "config/base/csv_fields.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<double> decimal_of(const std::string& flag, const std::string& text, const std::string& expected) {
  constexpr double kTooMany = 9e9;  // of CPUs, in billionths of one, 64 bits hold so many; "inf" is none either
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      !(value >= 0 && value < kTooMany))
    return fail(flag + ": found \"" + text + "\", expected " + expected);
  return value;
}

Status add_port(const std::string& text, Json& body) {
  METE_TRY(const auto ports, published_ports(text));
  for (const PublishedFlag& each : ports) {
    const std::string port = each.inside + "/" + each.protocol;
    body["ExposedPorts"][port] = Json::object();
    body["HostConfig"]["PortBindings"][port].push_back({{"HostIp", each.address}, {"HostPort", each.outside}});
  }
  return {};
}

// "type=volume,source=data,target=/data,readonly"
Status add_mount(const std::string& text, Json& host) {
  const auto wrong = [&](const std::string& word) {
    return fail("--mount: found \"" + word + "\" in \"" + text +
                "\", expected type=bind|volume|tmpfs, source=, target=, readonly, bind-propagation=, volume-nocopy, "
                "tmpfs-size=, tmpfs-mode=");
  };
  Json mount = {{"Type", "volume"}};
  const auto words = config::csv_fields(text);
  if (!words) return fail("--mount: " + words.error().what);
  for (const std::string& word : *words) {
    const auto equal = word.find('=');
    const std::string key = word.substr(0, equal);
    const std::string value = equal == std::string::npos ? "true" : word.substr(equal + 1);
    const bool is_switch = value == "true" || value == "1" || value == "false" || value == "0";
    const bool on = value == "true" || value == "1";
    if (key == "type") {
      mount["Type"] = value;
    } else if (key == "source" || key == "src") {
      mount["Source"] = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
      mount["Target"] = value;
    } else if ((key == "readonly" || key == "ro") && is_switch) {
      mount["ReadOnly"] = on;
    } else if (key == "bind-propagation") {
      mount["BindOptions"]["Propagation"] = value;
    } else if (key == "volume-nocopy" && is_switch) {
      mount["VolumeOptions"]["NoCopy"] = on;
    } else if (key == "tmpfs-size") {
      METE_TRY(mount["TmpfsOptions"]["SizeBytes"], size_of_flag("--mount: tmpfs-size", value));
    } else if (key == "tmpfs-mode") {
      unsigned mode = 0;
      const char* const last = value.data() + value.size();
      if (std::from_chars(value.data(), last, mode, 8).ptr != last) return wrong(word);
      mount["TmpfsOptions"]["Mode"] = mode;
    } else {
      return wrong(word);
    }
  }
  if (!mount.contains("Target")) return fail("--mount: found \"" + text + "\" without target=, expected one");
  host["Mounts"].push_back(std::move(mount));
  return {};
}

Status add_resources(const RunOptions& options, Json& host) {
  if (!options.memory.empty()) {
    METE_TRY(host["Memory"], size_of_flag("--memory", options.memory));
  }
  if (!options.cpus.empty()) {
    METE_TRY(host["NanoCpus"], nano_cpus(options.cpus));
  }
  return {};
}

// A path alone is an anonymous volume.
void add_volumes(const RunOptions& options, Json& body) {
  for (const auto& each : options.volumes) {
    if (each.find(':') == std::string::npos) {
      body["Volumes"][each] = Json::object();
    } else {
      body["HostConfig"]["Binds"].push_back(each);
    }
  }
}

void add_lists(const RunOptions& options, Json& host) {
  for (const auto& each : options.tmpfs) {
    const auto colon = each.find(':');
    host["Tmpfs"][each.substr(0, colon)] = colon == std::string::npos ? "" : each.substr(colon + 1);
  }
  if (!options.dns.empty()) host["Dns"] = options.dns;
  if (!options.hosts.empty()) host["ExtraHosts"] = options.hosts;
  if (!options.capabilities.empty()) host["CapAdd"] = options.capabilities;
  if (!options.dropped_capabilities.empty()) host["CapDrop"] = options.dropped_capabilities;
}

void add_health(const RunOptions& options, Json& body) {
  if (options.no_healthcheck) body["Healthcheck"] = {{"Test", {"NONE"}}};
  if (!options.health_command.empty()) body["Healthcheck"]["Test"] = {"CMD-SHELL", options.health_command};
}

}  // namespace

Result<std::int64_t> nano_cpus(const std::string& text) {
  METE_TRY(const double cpus, decimal_of("--cpus", text, "a number of CPUs such as 1.5"));
  return std::llround(cpus * 1e9);
}

Result<Json> restart_policy(const std::string& text) {
  const auto colon = text.find(':');
  std::int64_t most = 0;
  if (colon != std::string::npos) {
    METE_TRY(const double number,
             decimal_of("--restart", text.substr(colon + 1), "a number of starts after the colon"));
    most = static_cast<std::int64_t>(number);
  }
  return Json{{"Name", text.substr(0, colon)}, {"MaximumRetryCount", most}};
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
  add_volumes(options, body);
  Json& host = body["HostConfig"];
  host["ReadonlyRootfs"] = options.read_only;
  host["Privileged"] = options.privileged;
  if (options.init) host["Init"] = true;
  METE_CHECK(add_resources(options, host));
  if (!options.restart.empty()) {
    METE_TRY(host["RestartPolicy"], restart_policy(options.restart));
  }
  add_lists(options, host);
  if (!options.network.empty()) host["NetworkMode"] = options.network;
  const std::string network = options.network.empty() ? "default" : options.network;
  Json& endpoints = body["NetworkingConfig"]["EndpointsConfig"];
  if (!options.address.empty()) endpoints[network]["IPAMConfig"]["IPv4Address"] = options.address;
  if (!options.aliases.empty()) endpoints[network]["Aliases"] = options.aliases;
  for (const auto& each : options.network_options) {
    const auto equal = each.find('=');
    if (equal == std::string::npos) return fail("--network-opt: found \"" + each + "\", expected NAME=VALUE");
    endpoints[network]["DriverOpts"][each.substr(0, equal)] = each.substr(equal + 1);
  }
  for (const auto& each : options.ports) METE_CHECK(add_port(each, body));
  for (const auto& each : options.mounts) METE_CHECK(add_mount(each, body["HostConfig"]));
  const auto interval = options.fields.find("Healthcheck.Interval");
  const bool is_timed = interval != options.fields.end() && !interval->second.empty();
  if (options.no_healthcheck && (!options.health_command.empty() || is_timed))
    return fail("--no-healthcheck and --health-cmd: found both, expected one of them");
  add_health(options, body);
  METE_CHECK(add_fields(options.fields, body));
  return body;
}

int code_of_refusal(const std::string& message) {
  const auto has = [&](const char* text) { return message.find(text) != std::string::npos; };
  if (has("executable file not found") || has("no such file or directory")) return 127;
  if (has("permission denied") || has("is a directory")) return 126;
  return 125;
}

}  // namespace mete::agent::cli
