// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/run_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "config/convert/docker_amounts.h"
#include "config/reading/cdi_reader.h"
#include "config/values/quantity.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;
using Kind = RunField::Kind;

constexpr auto kFields = std::to_array<RunField>({
    {"--memory-swap", "HostConfig.MemorySwap", Kind::kSize, "SIZE",
     "Memory and swap together; -1: as much as there is"},
    {"--memory-reservation", "HostConfig.MemoryReservation", Kind::kSize, "SIZE", "Memory that is reclaimed last"},
    {"--memory-swappiness", "HostConfig.MemorySwappiness", Kind::kNumber, "N", "How willingly it is swapped out"},
    {"-c,--cpu-shares", "HostConfig.CpuShares", Kind::kNumber, "N", "Its share when all want the CPU; 1024 is usual"},
    {"--cpuset-cpus", "HostConfig.CpusetCpus", Kind::kText, "LIST", "CPUs that it may use: 0-1,3"},
    {"--cpuset-mems", "HostConfig.CpusetMems", Kind::kText, "LIST", "Memory nodes that it may use"},
    {"--cpu-period", "HostConfig.CpuPeriod", Kind::kNumber, "US", "Microseconds in which --cpu-quota may be used"},
    {"--cpu-quota", "HostConfig.CpuQuota", Kind::kNumber, "US", "Microseconds of CPU in each period"},
    {"--pids-limit", "HostConfig.PidsLimit", Kind::kNumber, "N", "At most so many processes; -1: no limit"},
    {"--blkio-weight", "HostConfig.BlkioWeight", Kind::kNumber, "N", "Its share of disks, 10 to 1000"},
    {"--blkio-weight-device", "HostConfig.BlkioWeightDevice", Kind::kWeights, "FILE", "DEVICE:WEIGHT"},
    {"--device-read-bps", "HostConfig.BlkioDeviceReadBps", Kind::kRates, "FILE", "DEVICE:SIZE a second"},
    {"--device-write-bps", "HostConfig.BlkioDeviceWriteBps", Kind::kRates, "FILE", "DEVICE:SIZE a second"},
    {"--device-read-iops", "HostConfig.BlkioDeviceReadIOps", Kind::kCounts, "FILE", "DEVICE:N a second"},
    {"--device-write-iops", "HostConfig.BlkioDeviceWriteIOps", Kind::kCounts, "FILE", "DEVICE:N a second"},
    {"--oom-score-adj", "HostConfig.OomScoreAdj", Kind::kNumber, "N", "Who is killed first, -1000 to 1000"},
    {"--oom-kill-disable", "HostConfig.OomKillDisable", Kind::kSwitch, "", "Not to be killed out of memory"},
    {"--shm-size", "HostConfig.ShmSize", Kind::kSize, "SIZE", "Of its /dev/shm; 64m by default"},
    {"--ulimit", "HostConfig.Ulimits", Kind::kUlimits, "NAME=VALUE", "A limit of its processes: nofile=1024:2048"},
    {"--sysctl", "HostConfig.Sysctls", Kind::kPairs, "NAME=VALUE", "A setting of its kernel namespaces"},
    {"--device", "HostConfig.Devices", Kind::kDevices, "FILE", "DEVICE[:INSIDE[:rwm]], or VENDOR/CLASS=NAME"},
    {"--device-cgroup-rule", "HostConfig.DeviceCgroupRules", Kind::kTexts, "TEXT", "A rule for devices"},
    {"--security-opt", "HostConfig.SecurityOpt", Kind::kTexts, "TEXT",
     "no-new-privileges, seccomp=FILE, seccomp=unconfined, ..."},
    {"--group-add", "HostConfig.GroupAdd", Kind::kTexts, "GROUP",
     "A further group of its user, or of the image by name"},
    {"--ipc", "HostConfig.IpcMode", Kind::kText, "NAME", "private or host"},
    {"--pid", "HostConfig.PidMode", Kind::kText, "NAME", "host: the machine's processes"},
    {"--uts", "HostConfig.UTSMode", Kind::kText, "NAME", "host: the machine's name"},
    {"--userns", "HostConfig.UsernsMode", Kind::kText, "NAME", "Its user namespace"},
    {"--cgroupns", "HostConfig.CgroupnsMode", Kind::kText, "NAME", "private"},
    {"--cgroup-parent", "HostConfig.CgroupParent", Kind::kText, "CGROUP", "The cgroup that it is in"},
    {"--runtime", "HostConfig.Runtime", Kind::kText, "NAME", "mete, or another OCI runtime: crun"},
    {"--isolation", "HostConfig.Isolation", Kind::kText, "NAME", "default"},
    {"--storage-opt", "HostConfig.StorageOpt", Kind::kPairs, "NAME=VALUE",
     "size=SIZE: a quota of what it writes: size=2g"},
    {"--volumes-from", "HostConfig.VolumesFrom", Kind::kTexts, "POD", "Volumes of another container"},
    {"--volume-driver", "HostConfig.VolumeDriver", Kind::kText, "NAME", "Of its volumes"},
    {"--link", "HostConfig.Links", Kind::kTexts, "POD", "A container that it knows by name"},
    {"--dns-search", "HostConfig.DnsSearch", Kind::kTexts, "NAME", "A domain in which names are looked up"},
    {"--dns-option", "HostConfig.DnsOptions", Kind::kTexts, "TEXT", "An option of the resolver"},
    {"-P,--publish-all", "HostConfig.PublishAllPorts", Kind::kSwitch, "", "Each port that the image names gets one"},
    {"--log-driver", "HostConfig.LogConfig.Type", Kind::kText, "NAME", "How its output is kept"},
    {"--log-opt", "HostConfig.LogConfig.Config", Kind::kPairs, "NAME=VALUE", "An option of that"},
    {"--annotation", "HostConfig.Annotations", Kind::kPairs, "NAME=VALUE", "A note on it"},
    {"--expose", "ExposedPorts", Kind::kPortNames, "PORT", "A port that it serves"},
    {"--domainname", "Domainname", Kind::kText, "NAME", "The domain in its own name"},
    {"--stop-signal", "StopSignal", Kind::kText, "SIGNAL", "What ends it, in place of TERM"},
    {"--stop-timeout", "StopTimeout", Kind::kNumber, "SECONDS", "How long it may take to end"},
    {"--mac-address", "MacAddress", Kind::kText, "ADDRESS", "Its hardware address"},
    {"--health-interval", "Healthcheck.Interval", Kind::kDuration, "TIME", "Between two checks; 30s by default"},
    {"--health-timeout", "Healthcheck.Timeout", Kind::kDuration, "TIME", "How long a check may take"},
    {"--health-start-period", "Healthcheck.StartPeriod", Kind::kDuration, "TIME", "In which failures do not count"},
    {"--health-start-interval", "Healthcheck.StartInterval", Kind::kDuration, "TIME", "Between two checks in it"},
    {"--health-retries", "Healthcheck.Retries", Kind::kNumber, "N", "So many failures make it unhealthy"},
});

tl::unexpected<Error> wrong(const std::string& flag, const std::string& found, const std::string& expected) {
  return fail(flag + ": found \"" + found + "\", expected " + expected);
}

Result<std::int64_t> integer_of(const std::string& flag, const std::string& text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return wrong(flag, text, "an integer");
  return number;
}

Json pairs_of(const std::vector<std::string>& words) {
  Json object = Json::object();
  for (const auto& each : words) {
    const auto equal = each.find('=');
    object[each.substr(0, equal)] = equal == std::string::npos ? "" : each.substr(equal + 1);
  }
  return object;
}

// PATH:VALUE
Result<Json> device_values(const RunField& field, const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const auto& each : words) {
    const auto colon = each.rfind(':');
    if (colon == std::string::npos || colon == 0) return wrong(field.flag, each, "DEVICE:VALUE");
    const std::string value = each.substr(colon + 1);
    METE_TRY(const std::int64_t number,
             field.kind == Kind::kRates ? size_of_flag(field.flag, value) : integer_of(field.flag, value));
    list.push_back({{"Path", each.substr(0, colon)}, {field.kind == Kind::kWeights ? "Weight" : "Rate", number}});
  }
  return list;
}

// NAME=SOFT[:HARD]
Result<Json> ulimits_of(const RunField& field, const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const auto& each : words) {
    const auto equal = each.find('=');
    if (equal == std::string::npos || equal == 0) return wrong(field.flag, each, "NAME=SOFT[:HARD]");
    const std::string values = each.substr(equal + 1);
    const auto colon = values.find(':');
    METE_TRY(const std::int64_t soft, integer_of(field.flag, values.substr(0, colon)));
    std::int64_t hard = soft;
    if (colon != std::string::npos) {
      METE_TRY(hard, integer_of(field.flag, values.substr(colon + 1)));
    }
    list.push_back({{"Name", each.substr(0, equal)}, {"Hard", hard}, {"Soft", soft}});
  }
  return list;
}

Json devices_of(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const auto& each : words) {
    if (config::is_cdi_device(each)) continue;
    const auto first = std::min(each.find(':'), each.size());
    const std::string path = each.substr(0, first);
    std::string inside = first == each.size() ? "" : each.substr(first + 1);
    std::string rights = "rwm";
    if (const auto second = inside.rfind(':'); second != std::string::npos) {
      rights = inside.substr(second + 1);
      inside.erase(second);
    } else if (!inside.empty() && inside.front() != '/') {
      rights = std::exchange(inside, "");
    }
    list.push_back(
        {{"PathOnHost", path}, {"PathInContainer", inside.empty() ? path : inside}, {"CgroupPermissions", rights}});
  }
  return list;
}

Result<Json> value_of_field(const RunField& field, const std::vector<std::string>& words) {
  const std::string& last = words.back();
  switch (field.kind) {
    case Kind::kText:
      return Json(last);
    case Kind::kTexts:
      return Json(words);
    case Kind::kSwitch:
      return Json(true);
    case Kind::kSize: {
      METE_TRY(const std::int64_t bytes, size_of_flag(field.flag, last));
      return Json(bytes);
    }
    case Kind::kNumber: {
      METE_TRY(const std::int64_t number, integer_of(field.flag, last));
      return Json(number);
    }
    case Kind::kPairs:
      return pairs_of(words);
    case Kind::kRates:
    case Kind::kCounts:
    case Kind::kWeights:
      return device_values(field, words);
    case Kind::kUlimits:
      return ulimits_of(field, words);
    case Kind::kDevices:
      return devices_of(words);
    case Kind::kPortNames: {
      Json object = Json::object();
      for (const auto& each : words)
        object[each.find('/') == std::string::npos ? each + "/tcp" : each] = Json::object();
      return object;
    }
    case Kind::kDuration: {
      const auto time = config::parse_duration(last);
      if (!time) return fail_in(field.flag, time.error());
      return Json(time->count());
    }
  }
  return Json();
}

}  // namespace

std::span<const RunField> run_fields() {
  return kFields;
}

Status add_fields(const GivenFields& given, Json& body) {
  for (const RunField& field : kFields) {
    const auto words = given.find(field.field);
    if (words == given.end() || words->second.empty()) continue;
    METE_TRY(Json value, value_of_field(field, words->second));
    Json* place = &body;
    std::string name = field.field;
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.')) {
      place = &(*place)[name.substr(0, dot)];
      name.erase(0, dot + 1);
    }
    // As docker's own client: a device of the Container Device Interface is a request of its driver.
    if (field.kind == Kind::kDevices) {
      Json names = Json::array();
      std::copy_if(words->second.begin(), words->second.end(), std::back_inserter(names),
                   [](const std::string& word) { return config::is_cdi_device(word); });
      if (!names.empty()) (*place)["DeviceRequests"] = {{{"Driver", "cdi"}, {"DeviceIDs", std::move(names)}}};
    }
    if (field.kind == Kind::kPortNames && place->contains(name)) {
      (*place)[name].update(value);  // those of -p are there
    } else {
      (*place)[name] = std::move(value);
    }
  }
  return {};
}

Result<std::int64_t> size_of_flag(const std::string& flag, const std::string& text) {
  constexpr const char* kExpected = "a number of bytes, or one with b, k, m, g, t or p after it";
  constexpr std::int64_t kMost = 1'000'000'000'000'000'000;
  if (text == "-1") return -1;
  const auto size = config::docker_size(text);
  if (!size || *size > kMost) return wrong(flag, text, kExpected);
  return *size;
}

}  // namespace mete::agent::cli
