// SPDX-License-Identifier: Apache-2.0
// Volumes that are not of this machine's own making: those that it can mount, and what is said of those that it cannot.
// Internal to config/.
#pragma once

#include <optional>
#include <string_view>

#include "config/model/volume.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

// The volume of the field `kind`; empty: it is none of these.
[[nodiscard]] std::optional<VolumeSource> read_elsewhere_volume(std::string_view kind, const View& source);

// An error, and not a warning: a program that finds an empty folder in place of its data does harm. It names what the
// volume would take, and what a Pod has in its place.
void refuse_volume(std::string_view kind, const View& source);

}  // namespace mete::config
