// SPDX-License-Identifier: Apache-2.0
// The plan of an attempt: the list of set-up operations that its shim carries out, in the attempt's directory.
#pragma once

#include <vector>

#include "agent/pods/container/container_devices.h"
#include "agent/pods/container/container_slot.h"
#include "agent/pods/container/joined_namespaces.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/image/store.h"
#include "runtime/pod/user.h"
#include "runtime/process/plan/launch_spec.h"
#include "runtime/storage/driver.h"

namespace mete::agent {

using runtime::pod::kConfigError;

// What of a container's devices its plan needs.
struct LaunchDevices {
  std::vector<runtime::process::DeviceSpec> nodes;  // besides the usual ones
  std::vector<runtime::cgroup::DeviceRule> rules;   // ContainerDevices::rules(), for another runtime
  ContainerDevices::Cdi cdi;
};

// Makes the FIFO of memory.notify, too, and what another runtime needs. The error:
// what of the manifest or the image cannot be had, or could not be written.
[[nodiscard]] Status write_launch_plan(const ContainerSlot& slot, const runtime::cgroup::Group& group,
                                       LaunchDevices devices, const JoinedNamespaces& joined,
                                       const runtime::image::Image& image, runtime::storage::ContainerRoot root);

}  // namespace mete::agent
