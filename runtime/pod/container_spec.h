// SPDX-License-Identifier: Apache-2.0
// A container of a Pod as a LaunchSpec. Pure: everything that has to be looked up comes in.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/desired_state.h"
#include "config/result.h"
#include "runtime/image/image.h"
#include "runtime/process/defaults.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::pod {

// Where a container is told of memory pressure (systemd's docs/PRESSURE.md): a FIFO, readable when there is some.
inline constexpr const char* kPressurePath = "/run/mete/memory.pressure";

struct ContainerContext {
  image::ImageConfig image;
  process::OverlayRoot overlay;
  std::string rootfs;                          // empty directory to mount it on
  std::map<std::string, std::string> volumes;  // volume name -> host path
  std::string hosts_file;                      // bound to /etc/hosts and so on; empty: the image's own
  std::string resolv_file;
  std::string hostname_file;
  std::string
      pressure_fifo;  // bound to kPressurePath, which MEMORY_PRESSURE_WATCH then names; empty: it is told nothing
  std::vector<process::DeviceSpec> devices;  // besides those that every container has
  std::optional<int> sandbox_pid;            // whose network, IPC, UTS (and PID) namespaces are shared
  process::CgroupJoin cgroup;
  process::CgroupView cgroup_view;
  std::string seccomp_filter;  // the default one, compiled
  std::optional<int> oom_score_adj;
  std::uint64_t capabilities = ~std::uint64_t{0};  // what can be given at most
};

// `container` is one of plan.pod.spec's, `resolved` its entry in plan. Errors name what a manifest can mend: an image
// without a command, a capability that does not exist.
[[nodiscard]] Result<process::LaunchSpec> container_spec(const config::PodPlan& plan,
                                                         const config::Container& container,
                                                         const config::ContainerPlan& resolved,
                                                         const ContainerContext& context);

// The namespaces a pod's sandbox holds for its containers.
[[nodiscard]] process::LaunchSpec sandbox_spec(const config::Pod& pod, const process::CgroupJoin& cgroup);

// Containers that share namespaces need somebody to hold them while they are restarted; a single one does not.
[[nodiscard]] bool needs_sandbox(const config::PodSpec& spec);

// Kubernetes' rule for the host name: hostname, else the pod's name up to the 63rd character.
[[nodiscard]] std::string hostname_of(const config::Pod& pod);

// /etc/hosts of the pod's containers: this machine, the pod's own name, its hostAliases.
[[nodiscard]] std::string hosts_text(const config::Pod& pod);

// Asked for by an annotation, since Kubernetes has no field for it: mete/init: "true".
[[nodiscard]] bool wants_init(const config::Pod& pod);

}  // namespace mete::runtime::pod
