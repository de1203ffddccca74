// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <thread>

#include "agent/cli/output.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

std::string query_of(const UpdateOptions& options) {
  std::string query = "?container=" + url_encode(options.container);
  const std::pair<const char*, const std::string*> values[] = {{"cpus", &options.cpus},
                                                               {"memory", &options.memory},
                                                               {"cpu-request", &options.cpu_request},
                                                               {"memory-request", &options.memory_request}};
  for (const auto& [key, value] : values) {
    if (!value->empty()) query.append("&").append(key).append("=").append(url_encode(*value));
  }
  return options.reset ? query + "&reset=1" : query;
}

}  // namespace

int update(const Common& common, const UpdateOptions& options) {
  const std::string pod = "/mete/v1/pods/" + pod_key(options.pod);
  auto fetched = fetch(common, "POST", pod + "/update" + query_of(options));
  constexpr auto kAgain = std::chrono::milliseconds(100);
  // The agent gives up by itself after some seconds.
  while (fetched.code == kDone && fetched.value.contains("resize") &&
         fetched.value["resize"]["state"] == "in progress") {
    std::this_thread::sleep_for(kAgain);
    fetched = fetch(common, "GET", pod);
  }
  if (fetched.code != kDone) return fetched.code;
  if (fetched.value.contains("resizeError"))
    return complain("not changed: " + fetched.value["resizeError"].get<std::string>());
  if (print_structured(common, fetched.value)) return kDone;
  for (const auto& each : fetched.value["containers"]) {
    const std::string name = each["name"].get<std::string>();
    if (options.container.empty() ? each["init"].get<bool>() : name != options.container) continue;
    std::string line = "pod " + pod_key(options.pod) + ", container " + name + ":";
    for (const char* kind : {"limits", "requests"}) {
      line += std::string(" ") + kind;
      if (each["resources"][kind].empty()) line += " none";
      for (const auto& [key, value] : each["resources"][kind].items())
        line += " " + key + "=" + value.get<std::string>();
    }
    print(line + "\n");
  }
  return kDone;
}

}  // namespace mete::agent::cli
