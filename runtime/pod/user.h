// SPDX-License-Identifier: Apache-2.0
// As which user a pod's container runs, with which groups, capabilities and filter. Pure.
#pragma once

#include <cerrno>
#include <cstdint>

#include "config/base/result.h"
#include "config/model/pod_spec.h"
#include "runtime/pod/container_spec.h"

namespace mete::runtime::pod {

// The code of an error that the kubelet calls CreateContainerConfigError: a value of the environment that is missing,
// or a user whom the manifest forbids.
inline constexpr int kConfigError = ENOKEY;

// Fills launch.identity, and HOME in launch.env where it is not set: the home of the user's line in the image's
// /etc/passwd, or "/". As containerd does: a numeric runAsUser has the group of that line (0 without a line) and, under
// supplementalGroupsPolicy Merge, the groups of /etc/group that list its name. Errors: runAsNonRoot with user 0
// (kConfigError), a capability that does not exist or cannot be given.
[[nodiscard]] Status add_identity(const config::Pod& pod, const config::Container& container,
                                  const ContainerContext& context, process::LaunchSpec& launch);

// The capabilities, a bit each, of a container. `available` is what root has on this machine: "ALL" and privileged mean
// all of that.
[[nodiscard]] Result<std::uint64_t> capabilities_of(const config::SecurityContext& security, std::uint64_t available);

// The seccomp profile that the manifest asks for: the container's, the pod's, or the default. A privileged container
// has none, as in Kubernetes, but for that of a docker client, which counts there, too (moby, daemon/seccomp_linux.go).
inline constexpr const char* kProfilesOfClients = "docker/";  // where these are among the profiles
[[nodiscard]] config::SeccompProfile seccomp_profile(const config::PodSpec& spec, const config::Container& container);

}  // namespace mete::runtime::pod
