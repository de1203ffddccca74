// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <thread>

#include "agent/cli/output.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct UpdateOptions {
  std::string pod, container, cpus, memory, cpu_request, memory_request;
  bool reset = false;
};

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

// Returns when the change is done or refused.
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

}  // namespace

void add_update(CommandLine& line) {
  auto options = std::make_shared<UpdateOptions>();
  const Common& common = line.common();
  auto* command = line.add({"update", "Change what a running pod is allotted, without a restart",
                            "  mete update web --memory 256Mi\n"
                            "  mete update web -c nginx --cpus 1.5 --cpu-request 500m\n  mete update web --reset"},
                           [&common, options] { return update(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-c,--container", options->container, "One container; default: all that are no init containers")
      ->type_name(kContainer);
  command->add_option("--cpus", options->cpus, "CPU limit: 2, 0.5, 500m")->type_name("CPUS");
  command->add_option("-m,--memory", options->memory, "Memory limit: 256Mi, 1Gi")->type_name("SIZE");
  command->add_option("--cpu-request", options->cpu_request, "CPU request, its share when all want the CPU")
      ->type_name("CPUS");
  command->add_option("--memory-request", options->memory_request, "Memory request, what is reclaimed from it last")
      ->type_name("SIZE");
  command->add_flag("--reset", options->reset, "Back to what the manifest says");
  line.add_output(command);
}

}  // namespace mete::agent::cli
