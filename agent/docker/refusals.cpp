// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/refusals.h"

#include <algorithm>
#include <array>
#include <string>

namespace mete::agent::docker {
namespace {

constexpr std::array kRefused = std::to_array<Refused>({
    {"BlkioDeviceReadBps", "bounds on disks are given by a Policy (io: devices)"},
    {"BlkioDeviceReadIOps", "bounds on disks are given by a Policy (io: devices)"},
    {"BlkioDeviceWriteBps", "bounds on disks are given by a Policy (io: devices)"},
    {"BlkioDeviceWriteIOps", "bounds on disks are given by a Policy (io: devices)"},
    {"BlkioWeight", "weights of IO are given by a Policy (io: weight)"},
    {"BlkioWeightDevice", "weights of IO are given by a Policy (io: weight)"},
    {"CgroupParent", "all containers of an agent are below its own cgroup (--cgroup-parent)"},
    {"CpuRealtimePeriod", "no container gets realtime bandwidth"},
    {"CpuRealtimeRuntime", "no container gets realtime bandwidth"},
    {"DeviceCgroupRules", "devices are given by a Policy (devices: allow)"},
    {"DeviceRequests", "no device driver is known"},
    {"Devices", "devices are given by a Policy (devices: allow)"},
    {"KernelMemory", "the kernel has no such limit any more"},
    {"KernelMemoryTCP", "buffers of TCP count as memory"},
    {"Links", "containers of a network find each other by name"},
    {"OomKillDisable", "what happens out of memory is given by a Policy (memory: onOOM)"},
    {"UsernsMode", "containers have the machine's user namespace"},
    {"VolumeDriver", "volumes are directories of this machine"},
    {"VolumesFrom", "volumes are named, and mounted by their names"},
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

// One that docker has is refused with its reason; another one as docker refuses it.
Status check_log_driver(const std::string& driver) {
  constexpr std::array<std::string_view, 13> kDockers = {"",     "awslogs",  "etwlogs",   "fluentd", "gcplogs",
                                                         "gelf", "journald", "json-file", "local",   "logentries",
                                                         "none", "splunk",   "syslog"};
  if (std::find(kDockers.begin(), kDockers.end(), driver) != kDockers.end()) return {};
  return fail("error looking up logging plugin " + driver + ": plugin \"" + driver + "\" not found");
}

Status check_security(const Json& host) {
  constexpr std::array<std::string_view, 8> kKnown = {
      "no-new-privileges",  "no-new-privileges:true", "no-new-privileges=true", "seccomp=unconfined",
      "seccomp:unconfined", "apparmor=unconfined",    "apparmor:unconfined",    "label=disable"};
  for (const auto& option : words_of(host, "SecurityOpt")) {
    if (std::find(kKnown.begin(), kKnown.end(), option) == kKnown.end())
      return refuse("SecurityOpt", "\"" + option.substr(0, 60) + "\"",
                    "expected no-new-privileges, seccomp=unconfined, apparmor=unconfined or label=disable");
  }
  return {};
}

Status check_groups(const Json& host) {
  for (const auto& group : words_of(host, "GroupAdd")) {
    if (group.empty() || group.find_first_not_of("0123456789") != std::string::npos || group.size() > 9)
      return refuse("GroupAdd", "\"" + group + "\"", "expected a number");
  }
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
  METE_CHECK(check_word(host, "IpcMode", {"private", "host", "shareable", "none"}, "expected private or host"));
  METE_CHECK(check_word(host, "PidMode", {"host"}, "expected host, or a namespace of its own"));
  METE_CHECK(check_word(host, "UTSMode", {}, "the name of the machine goes with its network (NetworkMode host)"));
  METE_CHECK(check_word(host, "CgroupnsMode", {"private"}, "a container sees its own cgroups"));
  METE_CHECK(check_word(host, "Isolation", {"default"}, "expected none"));
  if (const std::string runtime = text_of(host, "Runtime");
      !runtime.empty() && runtime != "mete" && runtime != "runc" && runtime != "mete-oci")
    return fail("Unknown runtime specified " + runtime);
  const Json& log = field(host, "LogConfig");
  METE_CHECK(check_log_driver(text_of(log, "Type")));
  if (const std::string driver = text_of(log, "Type"); !driver.empty() && driver != "json-file")
    return refuse("LogConfig.Type", "\"" + driver + "\"", "logs are written in the format of the CRI, and rotated");
  if (const Json& options = field(log, "Config"); !is_nothing(options))
    return refuse("LogConfig.Config", options.dump().substr(0, 80), "logs of all containers are rotated alike");
  METE_CHECK(check_security(host));
  METE_CHECK(check_groups(host));
  (void)config;
  return {};
}

Status check_asked(const Json& body) {
  if (!text_of(body, "MacAddress").empty())
    return fail("MacAddress: found one, expected none: hardware addresses are made from the IPv4 address");
  return {};
}

}  // namespace mete::agent::docker
