// SPDX-License-Identifier: Apache-2.0
// Translates a container of a Pod into a LaunchSpec. Pure: the caller looks everything up and passes it in.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "config/resolve/desired_state.h"
#include "config/resolve/downward.h"
#include "runtime/image/image.h"
#include "runtime/process/plan/defaults.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::pod {

// The path at which a container learns of memory pressure (systemd's docs/PRESSURE.md): a FIFO, readable under
// pressure.
inline constexpr const char* kPressurePath = "/run/mete/memory.pressure";

struct ContainerContext {
  image::ImageConfig image;
  std::string passwd;  // the image's /etc/passwd and /etc/group; empty where it has none
  std::string group;
  config::MachineFacts machine;
  std::optional<process::OverlayRoot> overlay;  // empty: `rootfs` has all files
  std::string rootfs;                           // the root, or the empty directory that the overlay is mounted on
  std::map<std::string, std::string> volumes;   // volume name -> host path
  std::string hosts_file;                       // bound to /etc/hosts; empty: the image's own file; likewise below
  std::string resolv_file;
  std::string hostname_file;
  // Bound to kPressurePath; MEMORY_PRESSURE_WATCH is set to that path. Empty: neither is done.
  std::string pressure_fifo;
  std::string termination_log;               // bound to the container's terminationMessagePath; empty: not
  std::vector<process::DeviceSpec> devices;  // in addition to the default devices
  std::optional<int> sandbox_pid;            // process whose network, IPC, UTS (and PID) namespaces are shared
  std::string network_namespace;             // one that is connected already; empty: the container makes its own
  std::string pid_namespace;                 // another container's; empty: the pod's own rules
  std::string ipc_namespace;                 // likewise
  std::optional<std::uint32_t> users;        // the first of the pod's own ids (own_users.h); empty: the machine's
  process::CgroupJoin cgroup;
  process::CgroupView cgroup_view;
  std::string seccomp_filter;  // the default filter, compiled
  std::optional<int> oom_score_adj;
  std::uint64_t capabilities = ~std::uint64_t{0};  // upper bound of the capabilities that can be granted
};

// `container` is one of plan.pod.spec's, `resolved` its entry in plan. Errors name what the manifest must change: an
// image without a command, an unknown capability.
[[nodiscard]] Result<process::LaunchSpec> container_spec(const config::PodPlan& plan,
                                                         const config::Container& container,
                                                         const config::ContainerPlan& resolved,
                                                         const ContainerContext& context);

// The namespaces that a pod's sandbox holds for its containers. `network_namespace`: as in ContainerContext.
[[nodiscard]] process::LaunchSpec sandbox_spec(const config::Pod& pod, const process::CgroupJoin& cgroup,
                                               const std::string& network_namespace,
                                               std::optional<std::uint32_t> users = std::nullopt);

// True when the pod's containers share namespaces: the sandbox holds them while containers restart. A single container
// needs none.
[[nodiscard]] bool needs_sandbox(const config::PodSpec& spec);

// Asked for by an annotation, since Kubernetes has no field for it: mete/init: "true".
[[nodiscard]] bool wants_init(const config::Pod& pod);

}  // namespace mete::runtime::pod
