// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <set>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

std::string field_of(const Json& value, const char* key) {
  return value.contains(key) && value[key].is_string() ? printable(value[key].get<std::string>()) : std::string();
}

// kubectl's STATUS column: a container's problem is more useful than the pod's phase.
std::string status_of(const Json& pod) {
  std::string status = field_of(pod, "phase");
  if (const auto reason = field_of(pod, "reason"); !reason.empty() && status == "Failed") return reason;
  if (status != "Running" && status != "Pending") return status;
  for (const auto& container : pod["containers"]) {
    const auto reason = field_of(container, "reason");
    if (field_of(container, "state") == "waiting" && !reason.empty()) return reason;
  }
  return status;
}

Table pods_table(const Json& pods, bool wide) {
  std::vector<std::string> heads = {"NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "OOMS", "AGE"};
  if (wide) heads.insert(heads.end(), {"IP", "QOS", "IMAGES", "CGROUP", "SOURCE"});
  Table table(std::move(heads));
  for (const auto& pod : pods) {
    std::size_t ready = 0;
    std::size_t all = 0;
    std::uint64_t restarts = 0;
    std::uint64_t ooms = 0;
    std::string images;
    for (const auto& container : pod["containers"]) {
      restarts += container["restarts"].get<std::uint64_t>();
      ooms += container["oomKills"].get<std::uint64_t>();
      const bool ends = container["init"].get<bool>() && !container["sidecar"].get<bool>();
      if (ends) continue;
      ++all;
      ready += container["ready"].get<bool>() ? 1U : 0U;
      images += (images.empty() ? "" : ",") + field_of(container, "image");
    }
    std::vector<std::string> row = {field_of(pod, "namespace"),
                                    field_of(pod, "name"),
                                    std::to_string(ready) + "/" + std::to_string(all),
                                    status_of(pod),
                                    std::to_string(restarts),
                                    std::to_string(ooms),
                                    age_text(field_of(pod, "createdAt"))};
    if (wide) {
      const std::string address = field_of(pod, "podIP");
      row.insert(row.end(), {address.empty() ? "<none>" : address, field_of(pod, "qosClass"), images,
                             field_of(pod, "cgroup"), field_of(pod, "source")});
    }
    table.add(std::move(row));
  }
  return table;
}

int act(const Common& common, const std::string& pod, const std::string& action, const std::string& query,
        const std::string& done) {
  const auto fetched = fetch(common, "POST", "/mete/v1/pods/" + pod_key(pod) + "/" + action + query);
  if (fetched.code != kDone) return fetched.code;
  if (!print_structured(common, fetched.value)) print("pod " + pod_key(pod) + " " + done + "\n");
  return kDone;
}

int ps(const Common& common, const std::vector<std::string>& pods) {
  auto fetched = fetch(common, "GET", "/mete/v1/pods");
  if (fetched.code != kDone) return fetched.code;
  Json shown = Json::array();
  std::set<std::string> missing;
  for (const auto& name : pods) missing.insert(pod_key(name));
  for (const auto& each : fetched.value["pods"]) {
    const std::string key = each["namespace"].get<std::string>() + "/" + each["name"].get<std::string>();
    const bool asked =
        std::any_of(pods.begin(), pods.end(), [&](const std::string& name) { return pod_key(name) == key; });
    if (pods.empty() || asked) shown.push_back(each);
    missing.erase(key);
  }
  if (!print_structured(common, {{"pods", shown}})) print(pods_table(shown, common.output == "wide").text());
  for (const auto& key : missing) complain("there is no pod " + key);
  return missing.empty() ? kDone : kNotFound;
}

// As docker's inspect: what no pod is called may be an image.
bool is_image_alone(const Common& common, const std::string& name) {
  const auto answer = Client(common.socket).request("GET", "/mete/v1/pods/" + pod_key(name));
  return (!answer || answer->status == 404) && has_image(common, name);
}

int inspect(const Common& common, const std::string& pod) {
  if (is_image_alone(common, pod)) return inspect_images(common, {pod}, "");
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + pod_key(pod));
  if (fetched.code != kDone) return fetched.code;
  if (common.output == "json") return print_structured(common, fetched.value) ? kDone : kFailed;
  print(to_yaml(fetched.value));
  return kDone;
}

int stop(const Common& common, const std::vector<std::string>& pods, std::optional<unsigned> grace) {
  int worst = kDone;
  for (const auto& pod : pods)
    worst =
        std::max(worst, act(common, pod, "stop", grace ? "?grace=" + std::to_string(*grace) : "", "is being stopped"));
  return worst;
}

int start(const Common& common, const std::vector<std::string>& pods) {
  int worst = kDone;
  for (const auto& pod : pods) worst = std::max(worst, act(common, pod, "start", "", "is started"));
  return worst;
}

int kill(const Common& common, const std::string& pod, const std::string& container, const std::string& signal) {
  return act(common, pod, "kill", "?signal=" + url_encode(signal) + "&container=" + url_encode(container),
             "was sent " + signal);
}

void add_ps(CommandLine& line) {
  auto pods = std::make_shared<std::vector<std::string>>();
  const Common& common = line.common();
  auto* command = line.add({"ps", "List pods", "  mete ps\n  mete ps -o wide\n  mete ps web -o json"},
                           [&common, pods] { return ps(common, *pods); });
  command->add_option("pods", *pods, kPodName)->type_name(kPod);
  line.add_output(command);
}

void add_inspect(CommandLine& line) {
  auto pod = std::make_shared<std::string>();
  const Common& common = line.common();
  auto* command = line.add({"inspect", "All that is known of a pod, or of an image",
                            "  mete inspect web\n  mete inspect web -o json\n  mete inspect busybox:latest"},
                           [&common, pod] { return inspect(common, *pod); });
  command->add_option("pod", *pod, std::string(kPodName) + " of a pod, or an image")
      ->type_name("POD|IMAGE")
      ->required();
  line.add_output(command);
}

void add_stop_and_start(CommandLine& line) {
  struct Options {
    std::vector<std::string> pods;
    std::optional<unsigned> grace;
  };
  auto options = std::make_shared<Options>();
  const Common& common = line.common();
  auto* command = line.add(
      {"stop", "End a pod's containers; the pod stays, stopped, until `mete start`", "  mete stop web --grace 5"},
      [&common, options] { return stop(common, options->pods, options->grace); });
  command->add_option("pods", options->pods, kPodName)->type_name(kPod)->required();
  command->add_option("--grace", options->grace, "Seconds between the stop signal and the kill")->type_name("SECONDS");
  auto pods = std::make_shared<std::vector<std::string>>();
  line.add({"start", "Start a stopped pod again", "  mete start web"}, [&common, pods] { return start(common, *pods); })
      ->add_option("pods", *pods, kPodName)
      ->type_name(kPod)
      ->required();
}

void add_kill(CommandLine& line) {
  struct Options {
    std::string pod;
    std::string container;
    std::string signal = "KILL";
  };
  auto options = std::make_shared<Options>();
  const Common& common = line.common();
  auto* command =
      line.add({"kill", "Send a signal to a pod's containers", "  mete kill web\n  mete kill web -s HUP -c nginx"},
               [&common, options] { return kill(common, options->pod, options->container, options->signal); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-s,--signal", options->signal, "TERM, SIGHUP, 9, ...; default: KILL")->type_name("SIGNAL");
  command->add_option("-c,--container", options->container, "One container; default: all")->type_name(kContainer);
}

}  // namespace

void add_pods(CommandLine& line) {
  add_ps(line);
  add_inspect(line);
  add_stop_and_start(line);
  add_kill(line);
}

}  // namespace mete::agent::cli
