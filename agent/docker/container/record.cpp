// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/record.h"

#include <algorithm>

namespace mete::agent::docker {

std::string to_json(const ContainerRecord& record) {
  const Json value = {{"version", 1},
                      {"id", record.id},
                      {"name", record.name},
                      {"pod", record.pod},
                      {"image", record.image},
                      {"image_id", record.image_id},
                      {"created", record.created.time_since_epoch().count()},
                      {"config", record.config},
                      {"host_config", record.host_config},
                      {"endpoints", record.endpoints},
                      {"error", record.error}};
  return value.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<ContainerRecord> parse_container(const std::string& text) {
  const Json value = runtime::parse_ordered(text);
  if (value.is_discarded() || number_of(value, "version") != 1)
    return fail("record of a docker container: found no JSON of version 1, expected it");
  ContainerRecord record;
  record.id = text_of(value, "id");
  record.name = text_of(value, "name");
  record.pod = text_of(value, "pod");
  record.image = text_of(value, "image");
  record.image_id = text_of(value, "image_id");
  record.created = enforcers::WallTime(std::chrono::nanoseconds(number_of(value, "created")));
  record.config = field(value, "config");
  record.host_config = field(value, "host_config");
  record.endpoints = field(value, "endpoints");
  record.error = text_of(value, "error");
  if (record.id.empty() || record.pod.empty())
    return fail("record of a docker container: found neither id nor pod, expected both");
  return record;
}

std::string pod_name(const std::string& name, const std::string& id, bool taken) {
  constexpr std::size_t kLongest = 48;  // a label of DNS has 63, with an id 13 less
  std::string made;
  for (const char c : name.substr(0, kLongest)) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    made += upper ? static_cast<char>(c - 'A' + 'a') : kept ? c : '-';
  }
  while (!made.empty() && made.back() == '-') made.pop_back();
  made.erase(0, std::min(made.find_first_not_of('-'), made.size()));
  if (made.empty()) return "c-" + id.substr(0, 12);
  return taken ? made + "-" + id.substr(0, 12) : made;
}

}  // namespace mete::agent::docker
