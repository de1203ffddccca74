// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/runtime_choice.h"

#include <algorithm>

namespace mete::config {
namespace {

void add_error(const Pod& pod, const std::string& field, const std::string& found, const std::string& expected,
               std::vector<Diagnostic>& errors) {
  Diagnostic error;
  const bool is_class = field == "spec.runtimeClassName" && pod.spec.places;
  error.location = is_class ? pod.spec.places->runtime_class : pod.location;
  error.object = "Pod " + full_name(pod.metadata);
  error.field = field;
  error.found = found;
  error.expected = expected;
  error.message = "found " + found + ", expected " + expected;
  errors.push_back(std::move(error));
}

bool mounts_both_ways(const Container& container) {
  return std::any_of(container.volume_mounts.begin(), container.volume_mounts.end(),
                     [](const VolumeMount& mount) { return mount.propagation == MountPropagation::kBidirectional; });
}

}  // namespace

void check_wishes(const Pod& pod, const std::string& runtime, std::vector<Diagnostic>& errors) {
  const std::string with = " with the runtime `" + runtime + "`";
  const std::string alone = ", which mete has only for containers that it makes itself";
  if (!pod.spec.host_users) add_error(pod, "spec.hostUsers", "false" + with, "true: mapped users" + alone, errors);
  const auto init = pod.metadata.annotations.find("mete/init");
  if (init != pod.metadata.annotations.end() && init->second == "true")
    add_error(pod, "metadata.annotations", "`mete/init` of \"true\"" + with, "none: an init process" + alone, errors);
  for (const auto* const list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& container : *list) {
      if (!mounts_both_ways(container)) continue;
      const std::string field = list == &pod.spec.containers ? "spec.containers." : "spec.initContainers.";
      add_error(pod, field + container.name + ".volumeMounts", "`mountPropagation: Bidirectional`" + with,
                "None or HostToContainer: mounts that reach the machine" + alone, errors);
    }
  }
}

std::string runtime_of(const Pod& pod, const std::map<std::string, RuntimeClass>& classes,
                       std::vector<Diagnostic>& errors) {
  const std::string& name = pod.spec.runtime_class;
  if (name.empty()) return {};
  if (const auto at = classes.find(name); at != classes.end()) {
    const std::string& handler = at->second.handler;
    if (handler == kOwnRuntime) return {};
    check_wishes(pod, handler, errors);
    return handler;
  }
  if (name != kOwnRuntime)
    add_error(pod, "spec.runtimeClassName", "`" + name + "`", "`mete`, or the name of a RuntimeClass in the manifests",
              errors);
  return {};
}

}  // namespace mete::config
