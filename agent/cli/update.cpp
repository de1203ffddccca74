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
  std::vector<std::string> network;
  bool reset = false;
  [[nodiscard]] bool is_of_network_alone() const {
    return !network.empty() && !reset && (cpus + memory + cpu_request + memory_request).empty();
  }
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
  std::string network;
  for (const auto& each : options.network) network += (network.empty() ? "" : ",") + each;
  if (!network.empty()) query += "&network-opt=" + url_encode(network);
  return options.reset ? query + "&reset=1" : query;
}

// What it is held to now, which is a policy's bound where that is less.
std::string bandwidth_text(const Json& pod) {
  std::string text;
  const Json network = pod.value("network", Json::object());
  const Json held = network.value("bandwidth", Json::object());
  for (const auto* key : {"ingress", "egress"}) {
    const auto bytes = held.value(key, std::uint64_t{0});
    text += std::string(" ") + key + "=" + (bytes == 0 ? "free" : std::to_string(bytes) + " bytes/s");
  }
  return text;
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
  if (!options.network.empty()) print("pod " + pod_key(options.pod) + ":" + bandwidth_text(fetched.value) + "\n");
  for (const auto& each : options.is_of_network_alone() ? Json::array() : fetched.value["containers"]) {
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
  command
      ->add_option("--network-opt", options->network,
                   "The pod's bandwidth: ingress=10M, egress=2M (bits a second), burst=256Ki (bytes)")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command->add_flag("--reset", options->reset, "Back to what the manifest says");
  line.add_output(command);
}

}  // namespace mete::agent::cli
