// SPDX-License-Identifier: Apache-2.0
#include "config/convert/service.h"

#include <algorithm>
#include <array>

#include "config/convert/docker_amounts.h"
#include "config/model/diagnostics.h"
#include "config/resolve/expand.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

enum class Part { kDone, kSaysNothing, kLeftOut };

// Every key of a service (compose-spec.io, services). Those that are left out say what to do in their place.
struct Key {
  std::string_view name;
  Part part = Part::kDone;
  std::string_view why = {};
};

constexpr auto kKeys = std::to_array<Key>({
    {"image"},
    {"command"},
    {"entrypoint"},
    {"environment"},
    {"env_file"},
    {"working_dir"},
    {"user"},
    {"group_add"},
    {"stdin_open"},
    {"tty"},
    {"init"},
    {"privileged"},
    {"read_only"},
    {"cap_add"},
    {"cap_drop"},
    {"security_opt"},
    {"sysctls"},
    {"stop_signal"},
    {"stop_grace_period"},
    {"restart"},
    {"labels"},
    {"annotations"},
    {"hostname"},
    {"extra_hosts"},
    {"dns"},
    {"dns_search"},
    {"dns_opt"},
    {"ports"},
    {"expose"},
    {"network_mode"},
    {"pid"},
    {"ipc"},
    {"volumes"},
    {"tmpfs"},
    {"shm_size"},
    {"configs"},
    {"secrets"},
    {"healthcheck"},
    {"deploy"},
    {"mem_limit"},
    {"mem_reservation"},
    {"cpus"},
    {"scale"},
    {"pull_policy"},
    {"cpu_count", Part::kLeftOut, "`cpus` limits CPU"},
    {"container_name", Part::kLeftOut, "the Pod has the name of the service, under which others find it"},
    {"attach", Part::kSaysNothing},
    {"platform", Part::kSaysNothing},
    {"extends", Part::kLeftOut, "write what it extends into the service"},
    {"build", Part::kLeftOut, "build the image first, and name it under `image`"},
    {"depends_on", Part::kLeftOut, "Pods start at once; let the program try again, or wait in an init container"},
    {"networks", Part::kLeftOut, "all Pods are in one network, unless `mete network create` makes more"},
    {"profiles", Part::kLeftOut, "the Pod is made whatever the profile"},
    {"links", Part::kLeftOut, "a Pod finds others by their names"},
    {"external_links", Part::kLeftOut, "a Pod finds others by their names"},
    {"logging", Part::kLeftOut, "`mete logs` reads all logs; `log` in agent.yaml bounds them"},
    {"ulimits", Part::kLeftOut, "set them in the program or its entrypoint"},
    {"devices", Part::kLeftOut, "devices.allow of a Policy gives a container devices"},
    {"gpus", Part::kLeftOut, "devices.allow of a Policy gives a container devices"},
    {"cpu_shares", Part::kLeftOut, "`cpus` under deploy.resources.reservations is a share in Kubernetes' units"},
    {"cpuset", Part::kLeftOut, "a Policy gives a container exclusive CPUs"},
    {"pids_limit", Part::kLeftOut, "a Policy limits the number of tasks"},
    {"memswap_limit", Part::kLeftOut, "a Policy limits swap"},
    {"oom_score_adj", Part::kLeftOut, "it follows from requests and limits, as in Kubernetes"},
    {"domainname", Part::kLeftOut, "`subdomain` of a Pod is the nearest"},
    {"userns_mode", Part::kLeftOut, "`hostUsers: false` gives a Pod users of its own"},
    {"cgroup_parent", Part::kLeftOut, "mete has cgroups of its own"},
    {"develop", Part::kSaysNothing},
    {"post_start", Part::kLeftOut, "write it as lifecycle.postStart"},
    {"pre_stop", Part::kLeftOut, "write it as lifecycle.preStop"},
});

void check_keys(const View& service) {
  std::vector<std::string_view> names;
  for (const auto& key : kKeys) names.push_back(key.name);
  for (const auto& [name, value] : service.entries()) {
    if (name.starts_with("x-")) continue;
    const auto* key =
        std::find_if(kKeys.begin(), kKeys.end(), [&name = name](const Key& each) { return each.name == name; });
    if (key == kKeys.end()) {
      Complaint complaint{"unknown key of a service", "`" + name + "`"};
      complaint.suggestion = nearest(name, names);
      if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
      value.warn(std::move(complaint));
    } else if (key->part == Part::kLeftOut && value) {
      leave_out(value, std::string(key->why));
    }
  }
}

const char* restart_policy(const View& service) {
  const View restart = service["restart"];
  const std::string text = restart.text("no");
  if (text == "always" || text == "unless-stopped") return "Always";
  if (text == "no") return "Never";
  if (text != "on-failure") leave_out(restart, "a Pod is started again without a bound: restartPolicy OnFailure");
  return "OnFailure";
}

void add_labels(const View& service, Value& metadata) {
  for (const auto& pair : pairs_of(service["labels"])) {
    if (!check_label_key(pair.key)) {
      leave_out(pair.at ? pair.at : service["labels"], "Kubernetes has no labels and annotations with such a name");
      continue;
    }
    const std::string value = pair.value.value_or("");
    const bool label = check_label_value(value).has_value();
    metadata[label ? "labels" : "annotations"][pair.key] = value;
  }
  for (const auto& pair : pairs_of(service["annotations"])) metadata["annotations"][pair.key] = pair.value.value_or("");
}

}  // namespace

void leave_out(const View& view, const std::string& why) {
  view.warn({"has no translation: " + why, describe(view.node())});
}

void leave_out_others(const View& map, std::initializer_list<std::string_view> read, const std::string& why) {
  for (const auto& [key, value] : map.entries()) {
    if (std::find(read.begin(), read.end(), key) == read.end() && !key.starts_with("x-")) leave_out(value, why);
  }
}

std::vector<View> one_or_more(const View& view) {
  if (!view) return {};
  return view.node().kind == YamlNode::Kind::kList ? view.items() : std::vector<View>{view};
}

std::vector<Pair> pairs_of(const View& view, std::string_view separators) {
  std::vector<Pair> pairs;
  for (const auto& [key, value] : view.entries())
    pairs.push_back({key, value ? std::optional(value.text()) : std::nullopt, value});
  for (const auto& item : view.items()) {
    const std::string text = item.text();
    const auto at = text.find_first_of(separators);
    pairs.push_back(
        {text.substr(0, at), at == std::string::npos ? std::nullopt : std::optional(text.substr(at + 1)), item});
  }
  return pairs;
}

Value command_of(const View& view) {
  Value words;
  if (!view) return words;
  if (view.node().kind == YamlNode::Kind::kList) {
    for (const auto& word : view.items()) words.push(escaped(word.text()));
    return words;
  }
  const auto split = shell_words(view.text());
  if (!split) view.error(mismatch("a quote that is not closed", "a command"));
  if (split) {
    for (const auto& word : *split) words.push(escaped(word));
  }
  return words;
}

std::int64_t replicas_of(const View& service) {
  const View replicas = service["deploy"]["replicas"] ? service["deploy"]["replicas"] : service["scale"];
  return replicas.integer().value_or(1);
}

Value name_of_replicas(const std::string& name) {
  const std::string label = label_from(name);
  Value object;
  object["apiVersion"] = "v1";
  object["kind"] = "Service";
  object["metadata"]["name"] = label;
  object["spec"]["clusterIP"] = "None";
  object["spec"]["selector"]["app"] = label;
  return object;
}

Value manifest_of_service(const std::string& name, const View& service, ServiceContext& context) {
  check_keys(service);
  const std::string label = label_from(name);
  Value object;
  Value pod;
  pod["metadata"]["name"] = label;
  pod["metadata"]["labels"]["app"] = label;
  add_labels(service, pod["metadata"]);
  Value& spec = pod["spec"];
  spec["restartPolicy"] = restart_policy(service);
  Value container;
  container["name"] = label;
  if (!service["image"]) service.error({"`image` is missing", "nothing", "`image`"});
  container["image"] = service["image"].text();
  add_process(service, context.sources, pod, container);
  add_network(service, spec, container);
  add_limits(service, spec, container);
  add_health(service, container);
  add_storage(service, context, spec, container);
  spec["containers"].push(std::move(container));
  const auto count = replicas_of(service);
  object["apiVersion"] = count == 1 ? "v1" : "apps/v1";
  object["kind"] = count == 1 ? "Pod" : "Deployment";
  if (count == 1) {
    object["metadata"] = std::move(pod["metadata"]);
    object["spec"] = std::move(pod["spec"]);
    return object;
  }
  if (service["restart"].text("always") != "always" && service["restart"].text() != "unless-stopped")
    leave_out(service["restart"], "the pods of a Deployment are always started again");
  spec["restartPolicy"] = "Always";
  object["metadata"]["name"] = label;
  object["spec"]["replicas"] = count;
  object["spec"]["selector"]["matchLabels"]["app"] = label;
  pod["metadata"]["name"] = Value();
  object["spec"]["template"] = std::move(pod);
  return object;
}

}  // namespace mete::config
