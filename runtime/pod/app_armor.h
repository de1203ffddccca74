// SPDX-License-Identifier: Apache-2.0
// The AppArmor profiles that a Pod asks for, as its kernel can enforce them. Pure.
#pragma once

#include <string>

#include "config/base/result.h"
#include "config/model/pod_spec.h"
#include "runtime/process/app_armor.h"

namespace mete::runtime::pod {

// The container's, or the pod's. Kubernetes' RuntimeDefault is the profile that a runtime brings along. Mete brings
// none, and takes the first of these that is loaded: a machine's own `mete-default`, or that of another runtime.
inline constexpr const char* kDefaultProfiles[] = {"mete-default", "cri-containerd.apparmor.d", "docker-default"};

// The profile's name for the kernel; empty: nothing is asked for. The error has the kubelet's words
// (pkg/security/apparmor/validate.go): the kernel has no AppArmor, or the profile is not loaded.
[[nodiscard]] Result<std::string> app_armor_profile(const config::PodSpec& spec, const config::Container& container,
                                                    const process::AppArmor& kernel);

// Whether any container of the pod asks for a profile: only then what the kernel has is looked at.
[[nodiscard]] bool asks_for_app_armor(const config::PodSpec& spec);

// Why the pod is not admitted, as the kubelet says it; empty: it is.
[[nodiscard]] std::string app_armor_fault(const config::PodSpec& spec, const process::AppArmor& kernel);

}  // namespace mete::runtime::pod
