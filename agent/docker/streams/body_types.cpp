// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/body_types.h"

#include <algorithm>
#include <array>
#include <string>

#include "runtime/json_numbers.h"

namespace mete::agent::docker {
namespace {

enum class Type { kText, kNumber, kFlag, kTexts, kMapOfTexts, kObjects, kObject };

struct Field {
  const char* name;
  Type type;
};

// A field that is not here is not read, or is refused by its name (refusals.h).
constexpr std::array kOfBody = std::to_array<Field>({
    {"Hostname", Type::kText},       {"Domainname", Type::kText},
    {"User", Type::kText},           {"Image", Type::kText},
    {"WorkingDir", Type::kText},     {"StopSignal", Type::kText},
    {"MacAddress", Type::kText},     {"Tty", Type::kFlag},
    {"OpenStdin", Type::kFlag},      {"StdinOnce", Type::kFlag},
    {"AttachStdin", Type::kFlag},    {"AttachStdout", Type::kFlag},
    {"AttachStderr", Type::kFlag},   {"NetworkDisabled", Type::kFlag},
    {"StopTimeout", Type::kNumber},  {"Env", Type::kTexts},
    {"Cmd", Type::kTexts},           {"Entrypoint", Type::kTexts},
    {"Labels", Type::kMapOfTexts},   {"Volumes", Type::kObject},
    {"ExposedPorts", Type::kObject}, {"Healthcheck", Type::kObject},
    {"HostConfig", Type::kObject},   {"NetworkingConfig", Type::kObject},
});
constexpr std::array kOfHost = std::to_array<Field>({
    {"NetworkMode", Type::kText},
    {"IpcMode", Type::kText},
    {"PidMode", Type::kText},
    {"UTSMode", Type::kText},
    {"UsernsMode", Type::kText},
    {"CgroupnsMode", Type::kText},
    {"Runtime", Type::kText},
    {"CpusetCpus", Type::kText},
    {"CpusetMems", Type::kText},
    {"AutoRemove", Type::kFlag},
    {"Privileged", Type::kFlag},
    {"ReadonlyRootfs", Type::kFlag},
    {"PublishAllPorts", Type::kFlag},
    {"Init", Type::kFlag},
    {"OomKillDisable", Type::kFlag},
    {"Memory", Type::kNumber},
    {"MemorySwap", Type::kNumber},
    {"MemoryReservation", Type::kNumber},
    {"NanoCpus", Type::kNumber},
    {"CpuShares", Type::kNumber},
    {"CpuPeriod", Type::kNumber},
    {"CpuQuota", Type::kNumber},
    {"PidsLimit", Type::kNumber},
    {"ShmSize", Type::kNumber},
    {"OomScoreAdj", Type::kNumber},
    {"BlkioWeight", Type::kNumber},
    {"Binds", Type::kTexts},
    {"CapAdd", Type::kTexts},
    {"CapDrop", Type::kTexts},
    {"Dns", Type::kTexts},
    {"DnsSearch", Type::kTexts},
    {"DnsOptions", Type::kTexts},
    {"ExtraHosts", Type::kTexts},
    {"GroupAdd", Type::kTexts},
    {"DeviceCgroupRules", Type::kTexts},
    {"Links", Type::kTexts},
    {"VolumesFrom", Type::kTexts},
    {"SecurityOpt", Type::kTexts},
    {"Sysctls", Type::kMapOfTexts},
    {"Tmpfs", Type::kMapOfTexts},
    {"Mounts", Type::kObjects},
    {"Ulimits", Type::kObjects},
    {"Devices", Type::kObjects},
    {"DeviceRequests", Type::kObjects},
    {"BlkioWeightDevice", Type::kObjects},
    {"BlkioDeviceReadBps", Type::kObjects},
    {"BlkioDeviceWriteBps", Type::kObjects},
    {"BlkioDeviceReadIOps", Type::kObjects},
    {"BlkioDeviceWriteIOps", Type::kObjects},
    {"RestartPolicy", Type::kObject},
    {"LogConfig", Type::kObject},
    {"PortBindings", Type::kObject},
});

bool is_text(const Json& value) {
  return value.is_string();
}

// A text in place of a list of texts is one of them.
bool has_type(const Json& value, Type type) {
  const auto all = [&](const auto& is_right) { return std::all_of(value.begin(), value.end(), is_right); };
  switch (type) {
    case Type::kText:
      return value.is_string();
    case Type::kNumber:
      return runtime::whole<std::int64_t>(value).has_value();
    case Type::kFlag:
      return value.is_boolean();
    case Type::kTexts:
      return value.is_string() || (value.is_array() && all(is_text));
    case Type::kMapOfTexts:
      return value.is_object() && all(is_text);
    case Type::kObjects:
      return value.is_array() && all([](const Json& each) { return each.is_object(); });
    case Type::kObject:
      return value.is_object();
  }
  return false;
}

const char* name_of(Type type) {
  switch (type) {
    case Type::kText:
      return "a text";
    case Type::kNumber:
      return "a whole number";
    case Type::kFlag:
      return "true or false";
    case Type::kTexts:
      return "a list of texts";
    case Type::kMapOfTexts:
      return "an object of texts";
    case Type::kObjects:
      return "a list of objects";
    case Type::kObject:
      break;
  }
  return "an object";
}

template <std::size_t kCount>
Status check_fields(const Json& object, const std::string& place, const std::array<Field, kCount>& fields) {
  for (const auto& [name, type] : fields) {
    const Json& value = field(object, name);
    if (value.is_null() || has_type(value, type)) continue;
    const std::string found = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return fail(place + name + ": found " + found.substr(0, 80) + ", expected " + name_of(type));
  }
  return {};
}

}  // namespace

Status check_types(const Json& body) {
  METE_CHECK(check_fields(body, "", kOfBody));
  return check_fields(field(body, "HostConfig"), "HostConfig.", kOfHost);
}

}  // namespace mete::agent::docker
