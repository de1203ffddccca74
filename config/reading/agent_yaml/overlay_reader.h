// SPDX-License-Identifier: Apache-2.0
// The section `network.overlay` of agent.yaml.
#pragma once

#include "config/model/overlay_policy.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kOverlaySpec;

// What it says; errors are reported to `view`.
[[nodiscard]] OverlayPolicy read_overlay(const View& view);

}  // namespace mete::config
