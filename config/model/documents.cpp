// SPDX-License-Identifier: Apache-2.0
#include "config/model/documents.h"

namespace mete::config {
namespace {

template <class Function>
void each_location(Container& container, Function see) {
  see(container.location);
  see(container.image_location);
  for (auto& each : container.env) see(each.location);
  for (auto& each : container.env_from) see(each.location);
  for (auto& each : container.volume_mounts) see(each.location);
}

template <class Function>
void each_location(Pod& pod, Function see) {
  see(pod.location);
  for (auto& each : pod.spec.init_containers) each_location(each, see);
  for (auto& each : pod.spec.containers) each_location(each, see);
  for (auto& each : pod.spec.volumes) see(each.location);
  if (!pod.spec.places) return;
  see(pod.spec.places->runtime_class);
  for (auto& each : pod.spec.places->image_pull_secrets) see(each);
}

}  // namespace

void move_to(Documents& documents, const std::string& file, int lines) {
  const auto move = [&](Location& location) {
    location.file = file;
    if (location.line > 0) location.line += lines;
  };
  for (auto& each : documents.pods) each_location(each, move);
  for (auto& each : documents.policies) move(each.location);
  for (auto& each : documents.config_maps) move(each.location);
  for (auto& each : documents.secrets) move(each.location);
  for (auto& each : documents.workloads) {
    move(each.location);
    each_location(template_of(each), move);
  }
  for (auto& each : documents.services) move(each.location);
  for (auto& each : documents.traffic_policies) move(each.location);
  for (auto& each : documents.runtime_classes) move(each.location);
  for (auto& each : documents.trust_bundles) move(each.location);
  for (auto& each : documents.errors) move(each.location);
  for (auto& each : documents.warnings) move(each.location);
}

}  // namespace mete::config
