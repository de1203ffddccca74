// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/joined_namespaces.h"

#include <algorithm>
#include <string>

#include "agent/pods/pod.h"
#include "runtime/process/namespace_of.h"

namespace mete::agent {
namespace {

// The pod of the container that the annotation names, while it runs.
Result<const Pod*> running_pod(const Pod& pod, const std::string& value) {
  const auto space = value.find(' ');
  const std::string id = value.substr(space + 1);
  const Pod* const other = space == 0 ? nullptr : pod.other(value.substr(0, space));
  // Another container may have the name meanwhile.
  if (other == nullptr || other->record().workload->uid != id) return fail("No such container: " + id);
  if (other->record().containers.front().state != ContainerState::kRunning)
    return fail("container " + id + " is not running");
  return other;
}

bool is_shareable(const Pod& pod) {
  if (pod.plan() == nullptr) return false;
  const auto& volumes = pod.plan()->pod.spec.volumes;
  return std::any_of(volumes.begin(), volumes.end(),
                     [](const config::Volume& each) { return each.name == kSharedMemoryVolume; });
}

Result<runtime::UniqueFd> open_of(const Pod& pod, const char* kind, const std::string& id) {
  auto space = runtime::process::open_namespace_of(pod.record().containers.front().process, kind);
  if (!space) return fail("container " + id + " is not running");
  return space;
}

Result<runtime::UniqueFd> open_ipc(const Pod& pod, const std::string& value, const std::string& id) {
  METE_TRY(const Pod* const other, running_pod(pod, value));
  if (!is_shareable(*other)) return fail("non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
  return open_of(*other, "ipc", id);
}

}  // namespace

Result<JoinedNamespaces> open_joined(const ContainerSlot& slot) {
  const Pod& pod = slot.pod();
  const auto& annotations = pod.plan()->pod.metadata.annotations;
  JoinedNamespaces joined;
  if (pod.record().workload->kind != kDockerWorkload) return joined;
  const auto id_of = [](const std::string& value) { return value.substr(value.find(' ') + 1); };
  if (const auto at = annotations.find(kIpcOf); at != annotations.end()) {
    auto ipc = open_ipc(pod, at->second, id_of(at->second));
    if (!ipc) return fail("can't join IPC of container " + id_of(at->second) + ": " + ipc.error().what);
    joined.ipc = std::move(*ipc);
  }
  if (const auto at = annotations.find(kPidOf); at != annotations.end()) {
    METE_TRY(const Pod* const other, running_pod(pod, at->second));
    METE_TRY(joined.pid, open_of(*other, "pid", id_of(at->second)));
  }
  return joined;
}

}  // namespace mete::agent
