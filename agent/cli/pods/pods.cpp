// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <set>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"

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

struct PsOptions {
  std::vector<std::string> pods;
  ListedContainers containers;
};

int list(const Common& common, const PsOptions& options) {
  if (!options.containers.asked_for()) return ps(common, options.pods);
  if (!options.pods.empty() || common.output != "table")
    return complain("ps: found names or -o beside flags of docker's list, expected one or the other", kUsage);
  return list_containers(common, options.containers);
}

void add_ps(CommandLine& line) {
  auto options = std::make_shared<PsOptions>();
  const Common& common = line.common();
  auto* command = line.add({"ps", "List pods; with -a, -q, -f and the like: containers, as docker ps does",
                            "  mete ps\n  mete ps -o wide\n  mete ps -a --filter status=exited\n"
                            "  mete ps --format '{{.Names}} {{.Status}}'"},
                           [&common, options] { return list(common, *options); });
  command->add_option("pods", options->pods, kPodName)->type_name(kPod);
  line.add_output(command);
  auto& to = options->containers;
  command->add_flag("-a,--all", to.all, "Containers, also those that do not run");
  command->add_flag("-q,--quiet", to.quiet, "Ids of containers alone");
  command->add_option("-n,--last", to.last, "The last N containers, whatever they are doing")->type_name("N");
  command->add_flag("-l,--latest", to.latest, "The last one");
  command->add_flag("-s,--size", to.sizes, "Containers with what they have written");
  command->add_flag("--no-trunc", to.whole_ids, "Containers with whole ids and commands");
  command
      ->add_option("-f,--filter", to.filters,
                   "id=, name=, label=, status=, exited=, ancestor=, network=, health=: containers that fit")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--format", to.format, "json, or a template: '{{.ID}}', 'table {{.ID}}\\t{{.Names}}'")
      ->type_name("TEXT");
}

void add_inspect(CommandLine& line) {
  auto options = std::make_shared<Inspected>();
  const Common& common = line.common();
  auto* command = line.add({"inspect", "All that is known of a pod, or as docker has it of a container or image",
                            "  mete inspect web\n  mete inspect web -o json\n  mete inspect busybox:latest\n"
                            "  mete inspect --format '{{.State.Pid}}' web"},
                           [&common, options] { return inspect_all(common, *options); });
  command->add_option("names", options->words, "Pods, containers, images, networks, volumes")
      ->type_name("POD|IMAGE")
      ->required();
  line.add_output(command);
  command->add_option("-f,--format", options->format, "A template: '{{.State.Pid}}', '{{json .Config}}'")
      ->type_name("TEXT");
  command->add_option("--type", options->type, "Only of this kind")
      ->check(CLI::IsMember({"container", "image", "network", "volume"}));
  command->add_flag("-s,--size", options->sizes, "With what a container has written");
}

}  // namespace

void add_pods(CommandLine& line) {
  add_ps(line);
  add_inspect(line);
}

}  // namespace mete::agent::cli
