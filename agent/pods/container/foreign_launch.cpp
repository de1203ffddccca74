// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/foreign_launch.h"

#include "agent/pods/pod.h"
#include "runtime/file.h"
#include "runtime/foreign/foreign_start.h"
#include "runtime/foreign/runtime_program.h"
#include "runtime/process/plan/wire.h"

namespace mete::agent {

std::string foreign_id(const ContainerSlot& slot) {
  const auto& own = slot.record();
  return slot.pod().record().uid + "-" + own.name + "-" + std::to_string(own.attempt);
}

Status write_foreign_start(const ContainerSlot& slot, const std::string& cgroup,
                           const runtime::process::LaunchSpec& spec, std::vector<runtime::cgroup::DeviceRule> devices,
                           std::optional<runtime::oci::SeccompProfile> seccomp, runtime::oci::Hooks hooks) {
  const auto& services = slot.services();
  const auto files = slot.files();
  runtime::foreign::Request request;
  METE_TRY(request.runtime,
           runtime::foreign::find_runtime(slot.pod().plan()->runtime, services.settings.config.runtimes));
  request.attempt = files.directory();
  request.id = foreign_id(slot);
  request.cgroup = cgroup;
  request.hierarchies = services.hierarchies.v1_process_mounts();
  if (!services.hierarchies.v2_mount.empty()) request.hierarchies.push_back(services.hierarchies.v2_mount);
  request.keep_devices = !devices.empty();
  request.device_rules = std::move(devices);
  if (!request.keep_devices) request.device_rules = {{.allow = true}};
  request.seccomp = std::move(seccomp);
  request.hooks = std::move(hooks);
  request.capabilities = services.capabilities;
  METE_TRY(const runtime::foreign::Start start, runtime::foreign::make_start(spec, request));
  const runtime::foreign::Paths paths(request.attempt);
  METE_CHECK(runtime::make_directories(paths.bundle, 0700));
  constexpr auto kVolatile = runtime::Durability::volatile_;
  METE_CHECK(runtime::replace_file(paths.bundle + "/config.json", start.config, 0600, kVolatile));
  return runtime::replace_file(files.foreign_plans(), runtime::process::encode(start.plans), 0600, kVolatile);
}

}  // namespace mete::agent
