// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_slot.h"

#include "agent/pods/pod.h"
#include "enforcers/oom.h"

namespace mete::agent {

Services& ContainerSlot::services() const {
  return pod_.services();
}
Enforcement& ContainerSlot::enforcement() const {
  return pod_.enforcement();
}

ContainerRecord& ContainerSlot::record() const {
  return pod_.record().containers[index_];
}

const config::Container* ContainerSlot::spec() const {
  if (pod_.plan() == nullptr) return nullptr;
  const auto& spec = pod_.plan()->pod.spec;
  const auto init = spec.init_containers.size();
  return index_ < init ? &spec.init_containers[index_] : &spec.containers[index_ - init];
}

const config::Policy* ContainerSlot::policy() const {
  return pod_.plan() != nullptr && pod_.plan()->policy ? &*pod_.plan()->policy : nullptr;
}

const config::Policy* ContainerSlot::policy_in_force() const {
  return enforcers::in_force(policy());
}

std::string ContainerSlot::attempts_directory() const {
  return pod_.paths().container(record().name);
}

runtime::shim::AttemptFiles ContainerSlot::files() const {
  return runtime::shim::AttemptFiles(pod_.paths().attempt(record().name, record().attempt));
}

std::string ContainerSlot::log_path() const {
  return pod_.paths().log(record().name);
}

void ContainerSlot::save(runtime::Durability durability) const {
  pod_.save(durability);
}
Status ContainerSlot::try_save(runtime::Durability durability) const {
  return pod_.try_save(durability);
}

void ContainerSlot::report(Severity severity, std::string reason, std::string message,
                           std::vector<std::pair<std::string, std::string>> fields) const {
  pod_.report(severity, std::move(reason), record().name, std::move(message), std::move(fields));
}
void ContainerSlot::warn(Reason reason, std::string message) const {
  report(Severity::kWarning, name_of(reason), std::move(message));
}

}  // namespace mete::agent
