// SPDX-License-Identifier: Apache-2.0
// A pod as Kubernetes' API shows it, made of what mete's own API says, so that paths and conditions that people know
// hold here. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/cli/output.h"

namespace mete::agent::cli {

// metadata (name, namespace, uid, labels, creationTimestamp) and status (phase, reason, message, conditions,
// containerStatuses, initContainerStatuses).
[[nodiscard]] Json kube_shape(const Json& pod);

// The text of what stands at ".status.containerStatuses[0].name" or ".metadata.labels['app']". Empty: nothing.
[[nodiscard]] std::optional<std::string> value_at(const Json& value, std::string_view path);

}  // namespace mete::agent::cli
