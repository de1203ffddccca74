// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/create_request.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>

#include "agent/docker/container/health.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/refusals.h"
#include "enforcers/core_assignment.h"
#include "runtime/file.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/signals.h"

namespace mete::agent::docker {
namespace {

constexpr std::int64_t kLeastMemory = 6 << 20;

// The image's variables, replaced and followed by the client's. A name without '=' takes the image's away.
std::vector<std::string> merged_env(std::vector<std::string> env, const std::vector<std::string>& more) {
  for (const auto& each : more) {
    const auto equal = each.find('=');
    const std::string name = each.substr(0, equal) + "=";
    const auto at = std::find_if(env.begin(), env.end(), [&](const std::string& old) { return old.starts_with(name); });
    if (equal == std::string::npos) {
      if (at != env.end()) env.erase(at);
    } else if (at != env.end()) {
      *at = each;
    } else {
      env.push_back(each);
    }
  }
  return env;
}

Json or_null(const std::vector<std::string>& words) {
  return words.empty() ? Json() : Json(words);
}

// Docker's rule: without words of the client's own the image's command stands, and its entrypoint if none was given.
void merge_command(const Json& body, const runtime::image::ImageConfig& image, Json& config) {
  const Json& entrypoint = field(body, "Entrypoint");
  std::vector<std::string> command = words_of(body, "Cmd");
  std::vector<std::string> entry = words_of(body, "Entrypoint");
  if (entry.empty()) {
    if (command.empty()) command = image.cmd;
    if (entrypoint.is_null()) entry = image.entrypoint;
  }
  if (entry.size() == 1 && entry.front().empty()) entry.clear();
  config["Cmd"] = or_null(command);
  config["Entrypoint"] = or_null(entry);
}

Json merged_config(const Json& body, const runtime::image::ImageConfig& image) {
  Json config = {{"Hostname", text_of(body, "Hostname")},
                 {"Domainname", text_of(body, "Domainname")},
                 {"User", text_of(body, "User")},
                 {"AttachStdin", flag_of(body, "AttachStdin")},
                 {"AttachStdout", flag_of(body, "AttachStdout")},
                 {"AttachStderr", flag_of(body, "AttachStderr")}};
  if (const Json& ports = field(body, "ExposedPorts"); !is_nothing(ports) || !ports.empty())
    config["ExposedPorts"] = ports;
  config["Tty"] = flag_of(body, "Tty");
  config["OpenStdin"] = flag_of(body, "OpenStdin");
  config["StdinOnce"] = flag_of(body, "StdinOnce");
  config["Env"] = merged_env(image.env, words_of(body, "Env"));
  // For the start, where the image's variables come first.
  Json unset = Json::array();
  for (const auto& each : words_of(body, "Env")) {
    if (each.find('=') == std::string::npos) unset.push_back(each);
  }
  if (!unset.empty()) config["MeteUnsetEnv"] = unset;
  merge_command(body, image, config);
  config["OnBuild"] = Json();  // of images alone
  config["Image"] = text_of(body, "Image");
  const Json& volumes = field(body, "Volumes");
  config["Volumes"] = volumes.empty() ? Json() : volumes;
  const std::string directory = text_of(body, "WorkingDir");
  config["WorkingDir"] = directory.empty() ? image.working_dir : directory;
  if (text_of(config, "User").empty()) config["User"] = image.user;
  config["Labels"] = Json::object();
  for (const auto& [name, value] : image.labels) config["Labels"][name] = value;
  for (const auto& [name, value] : texts_of(body, "Labels")) config["Labels"][name] = value;
  if (const std::string signal = text_of(body, "StopSignal"); !signal.empty()) {
    config["StopSignal"] = signal;
  } else if (!image.stop_signal.empty()) {
    config["StopSignal"] = image.stop_signal;
  }
  if (field(body, "StopTimeout").is_number()) config["StopTimeout"] = number_of(body, "StopTimeout");
  if (const std::string mac = text_of(body, "MacAddress"); !mac.empty()) config["MacAddress"] = mac;
  if (flag_of(body, "NetworkDisabled")) config["NetworkDisabled"] = true;
  return config;
}

Status check_memory(const Json& host) {
  const std::int64_t memory = number_of(host, "Memory");
  const std::int64_t swap = number_of(host, "MemorySwap");
  const std::int64_t reservation = number_of(host, "MemoryReservation");
  if (memory < 0 || (memory > 0 && memory < kLeastMemory)) return fail("Minimum memory limit allowed is 6MB");
  if (memory == 0 && swap > 0)
    return fail("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (swap > 0 && swap < memory) return fail("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (reservation > 0 && reservation < kLeastMemory) return fail("Minimum memory reservation allowed is 6MB");
  if (memory > 0 && reservation > memory)
    return fail("Minimum memory limit can not be less than memory reservation limit, see usage");
  return {};
}

Status check_cpu(const Json& host, const MachineBounds& machine) {
  const std::int64_t nano = number_of(host, "NanoCpus");
  const std::int64_t period = number_of(host, "CpuPeriod");
  const std::int64_t quota = number_of(host, "CpuQuota");
  constexpr std::int64_t kLeastShares = 2;
  constexpr std::int64_t kMostShares = 262'144;  // of cpu.shares; runc counts what is negative among these
  const std::int64_t shares = number_of(host, "CpuShares");
  if (shares > 0 && shares < kLeastShares) return fail("the minimum allowed cpu-shares is 2");
  if (shares < 0 || shares > kMostShares) return fail("the maximum allowed cpu-shares is 262144");
  if (nano > 0 && (period > 0 || quota > 0))
    return fail("Conflicting options: Nano CPUs and CPU " + std::string(period > 0 ? "Period" : "Quota") +
                " cannot both be set");
  if (nano < 0 || (nano > 0 && nano < 10'000'000) || nano > static_cast<std::int64_t>(machine.cpus) * 1'000'000'000) {
    char text[120];
    std::snprintf(text, sizeof text, "Range of CPUs is from 0.01 to %u.00, as there are only %u CPUs available",
                  machine.cpus, machine.cpus);
    return fail(text);
  }
  if (period != 0 && (period < 1'000 || period > 1'000'000))
    return fail("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (quota > 0 && quota < 1'000) return fail("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  return {};
}

// Which CPUs a container may have.
Status check_cpuset(const Json& host, const MachineBounds& machine) {
  const std::string asked = text_of(host, "CpusetCpus");
  if (asked.empty()) return {};
  const auto wanted = enforcers::parse_cpu_list(asked);
  if (!wanted) return fail("Invalid value " + asked + " for cpuset cpus");
  const auto there = enforcers::parse_cpu_list(machine.cpu_list).value_or(*wanted);
  const bool all = std::all_of(wanted->begin(), wanted->end(), [&](unsigned each) {
    return std::find(there.begin(), there.end(), each) != there.end();
  });
  return all ? Status()
             : fail("Requested CPUs are not available - requested " + asked + ", available: " + machine.cpu_list);
}

Status check_capabilities(const Json& host) {
  for (const char* name : {"CapAdd", "CapDrop"}) {
    for (const auto& each : words_of(host, name)) {
      if (!runtime::process::capability_mask(each))
        return fail(std::string("invalid ") + name + ": unknown capability: \"" + each + "\"");
    }
  }
  return {};
}

Status check_restart(const Json& host) {
  const Json& policy = field(host, "RestartPolicy");
  const std::string name = text_of(policy, "Name");
  const std::int64_t most = number_of(policy, "MaximumRetryCount");
  constexpr std::array<const char*, 5> kNames = {"", "no", "always", "on-failure", "unless-stopped"};
  if (std::none_of(kNames.begin(), kNames.end(), [&](const char* each) { return name == each; }))
    return fail("invalid restart policy: unknown policy '" + name + "'; use one of 'no', 'always', 'on-failure', or " +
                "'unless-stopped'");
  if (most < 0 || (most > 0 && name != "on-failure"))
    return fail("invalid restart policy: maximum retry count can only be used with 'on-failure', and is not negative");
  if (flag_of(host, "AutoRemove") && !name.empty() && name != "no")
    return fail("can't create 'AutoRemove' container with restart policy");
  return {};
}

Status check_all(const Json& config, const Json& host, const MachineBounds& machine) {
  METE_CHECK(check_supported(config, host));
  METE_TRY([[maybe_unused]] const auto layer_size, layer_size_of(host));
  METE_CHECK(check_memory(host));
  METE_CHECK(check_cpu(host, machine));
  METE_CHECK(check_cpuset(host, machine));
  METE_CHECK(check_capabilities(host));
  METE_CHECK(check_restart(host));
  if (const std::int64_t adjusted = number_of(host, "OomScoreAdj"); adjusted < -1000 || adjusted > 1000)
    return fail("Invalid value " + std::to_string(adjusted) + ", range for oom score adj is [-1000, 1000]");
  const std::string signal = text_of(config, "StopSignal");
  if (!signal.empty() && !runtime::process::signal_number(signal)) return fail("Invalid signal: " + signal);
  const std::string directory = text_of(config, "WorkingDir");
  if (!directory.empty() && directory.front() != '/')
    return fail("the working directory '" + directory + "' is invalid, it needs to be an absolute path");
  return {};
}

// What docker's engine fills in where a client says nothing.
Json completed_host_config(const Json& asked) {
  Json host = asked.is_object() ? asked : Json::object();
  if (text_of(host, "NetworkMode").empty()) host["NetworkMode"] = "default";
  if (is_nothing(field(host, "RestartPolicy"))) host["RestartPolicy"] = {{"Name", "no"}, {"MaximumRetryCount", 0}};
  Json& log = host["LogConfig"];
  if (!log.is_object()) log = Json::object();
  if (text_of(log, "Type").empty()) log["Type"] = "json-file";
  if (!field(log, "Config").is_object()) log["Config"] = Json::object();
  if (number_of(host, "ShmSize") == 0) host["ShmSize"] = 64 << 20;
  if (number_of(host, "Memory") > 0 && number_of(host, "MemorySwap") == 0)
    host["MemorySwap"] = 2 * number_of(host, "Memory");
  if (text_of(host, "Runtime").empty()) host["Runtime"] = "mete";
  if (text_of(host, "IpcMode").empty()) host["IpcMode"] = "private";
  if (text_of(host, "CgroupnsMode").empty()) host["CgroupnsMode"] = "private";
  return host;
}

}  // namespace

MachineBounds machine_bounds() {
  const auto online = runtime::read_file(AT_FDCWD, "/sys/devices/system/cpu/online");
  std::string list = online.value_or("0");
  while (!list.empty() && list.back() == '\n') list.pop_back();
  return {std::max(1U, std::thread::hardware_concurrency()), std::move(list)};
}

Json healthcheck_json(const runtime::build::ImageSettings& settings) {
  if (!settings.healthcheck) return {};
  const auto& check = *settings.healthcheck;
  Json value = {{"Test", check.test}};
  const auto add = [&](const char* name, std::int64_t number) {
    if (number != 0) value[name] = number;
  };
  add("Interval", check.interval);
  add("Timeout", check.timeout);
  add("StartPeriod", check.start_period);
  add("StartInterval", check.start_interval);
  add("Retries", check.retries);
  return value;
}

Result<ContainerRecord> read_create(const Json& body, const runtime::image::Image& image, const MachineBounds& machine,
                                    const runtime::build::ImageSettings& settings) {
  ContainerRecord record;
  record.image = text_of(body, "Image");
  record.image_id = "sha256:" + image.id;
  record.config = merged_config(body, image.config);
  record.host_config = completed_host_config(field(body, "HostConfig"));
  record.endpoints = field(field(body, "NetworkingConfig"), "EndpointsConfig");
  if (record.endpoints.empty()) record.endpoints = Json();  // see has_left_all()
  for (const auto& port : names_in(body, "ExposedPorts")) {
    METE_TRY([[maybe_unused]] const auto exposed, exposed_port(port));
  }
  // An image may say anything.
  for (const auto& port : settings.exposed_ports) {
    if (exposed_port(port)) record.config["ExposedPorts"][port] = Json::object();
  }
  for (const auto& place : settings.volumes) record.config["Volumes"][place] = Json::object();
  METE_TRY(Json check, merged_healthcheck(field(body, "Healthcheck"), healthcheck_json(settings)));
  if (!check.is_null()) record.config["Healthcheck"] = std::move(check);
  METE_CHECK(check_asked(body));
  METE_CHECK(check_all(record.config, record.host_config, machine));
  if (words_of(record.config, "Cmd").empty() && words_of(record.config, "Entrypoint").empty())
    return fail("no command specified");
  return record;
}

Result<Json> update_host_config(const Json& host_config, const Json& body, const MachineBounds& machine) {
  Json host = host_config;
  constexpr std::array<const char*, 12> kResources = {
      "Memory",   "MemorySwap", "MemoryReservation", "NanoCpus",  "CpuShares",   "CpuPeriod",
      "CpuQuota", "CpusetCpus", "CpusetMems",        "PidsLimit", "BlkioWeight", "BlkioWeightDevice"};
  for (const char* name : kResources) {
    if (!is_nothing(field(body, name))) host[name] = field(body, name);
  }
  // A new bound of one kind replaces the other kind.
  if (number_of(body, "NanoCpus") > 0) host["CpuPeriod"] = host["CpuQuota"] = 0;
  if (number_of(body, "CpuPeriod") > 0 || number_of(body, "CpuQuota") > 0) host["NanoCpus"] = 0;
  if (number_of(body, "Memory") > 0 && number_of(body, "MemorySwap") == 0 &&
      number_of(host, "MemorySwap") == 2 * number_of(host_config, "Memory"))
    host["MemorySwap"] = 2 * number_of(body, "Memory");
  if (!text_of(field(body, "RestartPolicy"), "Name").empty()) host["RestartPolicy"] = field(body, "RestartPolicy");
  METE_CHECK(check_all(Json::object(), host, machine));
  for (const auto& item : body.items()) {
    const std::string& name = item.key();
    const Json& value = item.value();
    const bool known = name == "RestartPolicy" || std::any_of(kResources.begin(), kResources.end(),
                                                              [&](const char* each) { return name == each; });
    if (!known && !is_nothing(value) && !(name == "MemorySwappiness" && value == -1))
      return fail("update: found " + name + ", which mete does not change on a container that exists");
  }
  return host;
}

Status check_container_name(const std::string& name) {
  if (is_plain_name(name)) return {};
  return fail("Invalid container name (" + name + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

}  // namespace mete::agent::docker
