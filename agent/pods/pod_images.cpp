// SPDX-License-Identifier: Apache-2.0
// The images that a pod's containers and volumes are made of: asked for before a launch.
#include <algorithm>
#include <array>

#include "agent/pods/pod.h"

namespace mete::agent {
namespace {

const config::Container* container_named(const config::PodSpec& spec, const std::string& name) {
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    const auto at = std::find_if(list->begin(), list->end(), [&](const auto& each) { return each.name == name; });
    if (at != list->end()) return &*at;
  }
  return nullptr;
}

// The reasons with which a container waits for an image.
bool is_image_wait(const std::string& reason) {
  static const std::array reasons = {std::string("ContainerCreating"), std::string(name_of(Reason::kErrImagePull)),
                                     std::string(name_of(Reason::kImagePullBackOff)),
                                     std::string(name_of(Reason::kImageNotFound))};
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

}  // namespace

std::optional<ImageWait> Pod::wait_of_images(std::size_t index) {
  const auto& spec = plan_->pod.spec;
  const std::string& name = record_.containers[index].name;
  std::vector<WantedImage> wanted;
  for (const auto& volume : spec.volumes) {
    const auto* image = std::get_if<config::ImageVolume>(&volume.source);
    if (image != nullptr && !prepared_) wanted.push_back({image->reference, image->pull_policy, plan_->pull_logins});
  }
  if (const auto* container = container_named(spec, name))
    wanted.push_back({container->image, container->pull_policy, plan_->pull_logins});
  // The pod may be gone when its image has come.
  const auto said = std::make_shared<std::pair<Reason, std::string>>();
  auto report_said = alive_.guard(
      [this, name, said] { report(Severity::kNormal, name_of(said->first), name, std::move(said->second)); });
  const ImagePuller::Asker asker{record_.uid + "/" + name,
                                 [said, report_said](Reason reason, std::string message) mutable {
                                   *said = {reason, std::move(message)};
                                   report_said();
                                 },
                                 alive_.guard([this] { retry_images(); })};
  for (const auto& each : wanted) {
    if (auto wait = services_.puller.ask(each, asker)) return wait;
  }
  return std::nullopt;
}

void Pod::retry_images() {
  bool any = false;
  for (auto& each : record_.containers) {
    if (each.state != ContainerState::kWaiting || !is_image_wait(each.waiting_reason)) continue;
    each.next_start = {};
    any = true;
  }
  if (any) step();
}

}  // namespace mete::agent
