// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "agent/cli/containers/run_request.h"
#include "agent/cli/containers/subject.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct UpdateOptions {
  std::vector<std::string> pods;
  std::string container, cpus, memory, cpu_request, memory_request, restart;
  std::vector<std::string> network;
  GivenFields fields;  // of containers of `mete run`
  bool reset = false;
  [[nodiscard]] bool is_of_network_alone() const {
    return !network.empty() && !reset && (cpus + memory + cpu_request + memory_request).empty();
  }
};

// Docker's flags of update that pods do not have.
constexpr const char* kContainerFields[] = {
    "HostConfig.MemorySwap", "HostConfig.MemoryReservation", "HostConfig.CpuShares",
    "HostConfig.CpusetCpus", "HostConfig.CpusetMems",        "HostConfig.CpuPeriod",
    "HostConfig.CpuQuota",   "HostConfig.PidsLimit",         "HostConfig.BlkioWeight"};

Result<Json> container_body(const UpdateOptions& options) {
  Json body = {{"HostConfig", Json::object()}};
  METE_CHECK(add_fields(options.fields, body));
  Json host = body["HostConfig"];
  if (!options.memory.empty()) {
    METE_TRY(host["Memory"], size_of_flag("--memory", options.memory));
  }
  if (!options.cpus.empty()) {
    METE_TRY(host["NanoCpus"], nano_cpus(options.cpus));
  }
  if (!options.restart.empty()) {
    METE_TRY(host["RestartPolicy"], restart_policy(options.restart));
  }
  if (host.empty()) return fail("update: found nothing to change, expected --memory, --cpus, --restart or the like");
  return host;
}

int update_container(const Common& common, const Subject& subject, const UpdateOptions& options) {
  if (options.reset || !options.cpu_request.empty() || !options.memory_request.empty() || !options.container.empty())
    return complain(
        "update: found -c, --reset or a request for the container " + subject.word + ", expected them for pods alone",
        kUsage);
  const auto body = container_body(options);
  if (!body) return complain(body.error().what, kUsage);
  const int code = ask_docker(common, "POST", subject.path + "/update", body->dump());
  if (code == kDone) print(subject.word + "\n");
  return code;
}

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
int update_pod(const Common& common, const Subject& subject, const UpdateOptions& options) {
  const std::string& pod = subject.path;
  const bool has_field =
      std::any_of(options.fields.begin(), options.fields.end(), [](const auto& each) { return !each.second.empty(); });
  if (has_field || !options.restart.empty())
    return refuse_pod(subject, "update", "of a pod cpus, memory and their requests are changed");
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
  if (!options.network.empty()) print("pod " + key_of(subject) + ":" + bandwidth_text(fetched.value) + "\n");
  for (const auto& each : options.is_of_network_alone() ? Json::array() : fetched.value["containers"]) {
    const std::string name = each["name"].get<std::string>();
    if (options.container.empty() ? each["init"].get<bool>() : name != options.container) continue;
    std::string line = "pod " + key_of(subject) + ", container " + name + ":";
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

int update(const Common& common, const UpdateOptions& options) {
  int worst = kDone;
  for (const auto& word : options.pods) {
    const Subject subject = find_subject(common, word);
    int code = subject.code;
    if (code == kDone)
      code = subject.is_pod ? update_pod(common, subject, options) : update_container(common, subject, options);
    worst = std::max(worst, code);
  }
  return worst;
}

}  // namespace

void add_update(CommandLine& line) {
  auto options = std::make_shared<UpdateOptions>();
  const Common& common = line.common();
  auto* command = line.add({"update", "Change what a running pod or container is allotted, without a restart",
                            "  mete update web --memory 256Mi\n"
                            "  mete update web -c nginx --cpus 1.5 --cpu-request 500m\n  mete update web --reset"},
                           [&common, options] { return update(common, *options); });
  command->add_option("pod", options->pods, kPodName)->type_name(kPod)->required();
  command->add_option("-c,--container", options->container, "One container; default: all that are no init containers")
      ->type_name(kContainer);
  command->add_option("--cpus", options->cpus, "CPU limit: 2, 0.5; of a pod also 500m")->type_name("CPUS");
  command
      ->add_option("-m,--memory", options->memory,
                   "Memory limit: 256Mi, 1Gi; of a container also 256m, as docker writes it")
      ->type_name("SIZE");
  command->add_option("--cpu-request", options->cpu_request, "CPU request, its share when all want the CPU")
      ->type_name("CPUS");
  command->add_option("--memory-request", options->memory_request, "Memory request, what is reclaimed from it last")
      ->type_name("SIZE");
  command->add_option("--restart", options->restart, "Of a container: no, on-failure[:N], always, unless-stopped")
      ->type_name("NAME");
  for (const RunField& field : run_fields()) {
    if (std::find(std::begin(kContainerFields), std::end(kContainerFields), std::string_view(field.field)) ==
        std::end(kContainerFields))
      continue;
    const std::string flag = field.flag;  // -c is a pod's container here
    command->add_option(flag.substr(flag.find("--")), options->fields[field.field], field.help)
        ->type_name(field.value)
        ->expected(1)
        ->allow_extra_args(false);
  }
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
