// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/device_wishes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/reading/cdi_reader.h"
#include "config/values/names.h"

namespace mete::agent::docker {
namespace {

bool are_rights(const std::string& text) {
  return !text.empty() && text.size() <= 3 && text.find_first_not_of("rwm") == std::string::npos;
}

// Nodes work only in the container's /dev, and not in the file systems that are mounted there.
Status check_inside(const std::string& path) {
  constexpr std::array<const char*, 3> kMounted = {"/dev/pts/", "/dev/shm/", "/dev/mqueue/"};
  const std::string normal = config::normal_path(path);
  const bool is_mounted =
      std::any_of(kMounted.begin(), kMounted.end(), [&](const char* each) { return normal.starts_with(each); });
  if (config::check_absolute_path(path) && (normal == "/dev" || normal.starts_with("/dev/")) && !is_mounted) return {};
  return fail("HostConfig.Devices: found \"" + path.substr(0, 80) +
              "\" in the container, expected a path below its /dev: elsewhere no device works");
}

// "*": any, which is empty.
bool take_part(std::string_view text, std::optional<std::uint32_t>& number) {
  if (text == "*") return true;
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  number = value;
  return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

Result<std::vector<config::DeviceWish>> device_wishes(const Json& host_config) {
  std::vector<config::DeviceWish> wishes;
  const Json& devices = field(host_config, "Devices");
  for (const auto& each : devices.is_array() ? devices : Json::array()) {
    config::DeviceWish wish{text_of(each, "PathOnHost"), text_of(each, "PathInContainer"),
                            text_of(each, "CgroupPermissions")};
    if (wish.inside.empty()) wish.inside = wish.path;
    if (wish.access.empty()) wish.access = "rwm";
    if (!wish.path.starts_with('/')) return fail(wish.path + " is not an absolute path");
    if (!are_rights(wish.access)) return fail("bad mode specified: " + wish.access);
    METE_CHECK(check_inside(wish.inside));
    wish.inside = config::normal_path(wish.inside);
    wishes.push_back(std::move(wish));
  }
  return wishes;
}

Result<std::vector<std::string>> cdi_wishes(const Json& host_config) {
  std::vector<std::string> names;
  const Json& requests = field(host_config, "DeviceRequests");
  for (const auto& each : requests.is_array() ? requests : Json::array()) {
    const std::string driver = text_of(each, "Driver");
    const Json& capabilities = field(each, "Capabilities");
    if (driver != "cdi")
      return fail("could not select device driver \"" + driver +
                  "\" with capabilities: " + (capabilities.is_array() ? capabilities.dump() : "[]") +
                  ": expected the driver cdi (--device VENDOR/CLASS=NAME)");
    for (auto& name : words_of(each, "DeviceIDs")) {
      if (!config::is_cdi_device(name)) return fail("invalid CDI device name \"" + name.substr(0, 80) + "\"");
      names.push_back(std::move(name));
    }
  }
  return names;
}

Result<std::vector<config::DeviceRange>> device_ranges(const Json& host_config) {
  std::vector<config::DeviceRange> ranges;
  for (const auto& text : words_of(host_config, "DeviceCgroupRules")) {
    // "TYPE MAJOR:MINOR RIGHTS"
    const std::string wrong = "invalid device cgroup rule format: '" + text + "'";
    const auto first = text.find(' ');
    const auto colon = text.find(':');
    const auto second = text.rfind(' ');
    if (first != 1 || colon == std::string::npos || second == std::string::npos || colon < first || second < colon)
      return fail(wrong);
    config::DeviceRange range;
    range.type = text.front();
    range.access = text.substr(second + 1);
    const std::string_view numbers = std::string_view(text).substr(first + 1, second - first - 1);
    const auto middle = colon - first - 1;
    if ((range.type != 'a' && range.type != 'b' && range.type != 'c') || !are_rights(range.access) ||
        !take_part(numbers.substr(0, middle), range.major) || !take_part(numbers.substr(middle + 1), range.minor))
      return fail(wrong);
    ranges.push_back(std::move(range));
  }
  return ranges;
}

}  // namespace mete::agent::docker
