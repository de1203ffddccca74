// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/manifests/references.h"

#include <algorithm>

#include "agent/base/machine_facts.h"
#include "agent/pods/pod.h"
#include "runtime/storage/volumes.h"

namespace mete::agent {
namespace {

constexpr const char* kCreating = "ContainerCreating";  // the kubelet's, of a pod whose volumes are not there yet

}  // namespace

std::optional<WaitsFor> waits_for(const config::PodPlan& plan, const std::string& container, bool volumes_made) {
  for (const auto& volume : plan.volume_files) {
    if (volumes_made || volume.missing.empty()) continue;
    return WaitsFor{Reason::kFailedMount, kCreating,
                    "MountVolume.SetUp failed for volume \"" + volume.volume + "\" : " + volume.missing};
  }
  for (const auto* list : {&plan.init_containers, &plan.containers}) {
    for (const auto& each : *list) {
      if (each.name != container || each.missing.empty()) continue;
      return WaitsFor{Reason::kCreateContainerConfigError, name_of(Reason::kCreateContainerConfigError), each.missing};
    }
  }
  return std::nullopt;
}

void retry_references(PodRecord& record) {
  for (auto& each : record.containers) {
    const bool waits =
        each.waiting_reason == kCreating || each.waiting_reason == name_of(Reason::kCreateContainerConfigError);
    if (waits && each.state == ContainerState::kWaiting) each.next_start = {};
  }
}

void exchange_files(Pod& pod) {
  const auto& services = pod.services();
  const auto machine = machine_facts(services.machine_memory, services.images.layers_directory(), Addresses::kNone);
  const auto exchanged = runtime::storage::update_files(*pod.plan(), pod.paths().volumes(), machine);
  if (!exchanged) {
    pod.report(Severity::kWarning, name_of(Reason::kFailedMount), "", exchanged.error().what);
    return;
  }
  if (exchanged->empty()) return;
  std::string names;
  for (const auto& each : *exchanged) names += (names.empty() ? "" : ", ") + each;
  pod.report(Severity::kNormal, name_of(Reason::kFilesExchanged), "",
             "The files of volume " + names + " were exchanged; environments stay", {{"volumes", names}});
}

}  // namespace mete::agent
