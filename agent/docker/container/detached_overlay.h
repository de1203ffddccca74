// SPDX-License-Identifier: Apache-2.0
// Layers as one tree that no path leads to: it is gone with its descriptor, also when the agent is killed.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::docker {

struct OverlayParts {
  std::vector<std::string> layers;  // directories, topmost first
  std::string upper;                // takes what is written; empty: the tree is read-only
  std::string work;                 // beside it, for overlayfs alone
};

// `place`: a directory where the tree is mounted for a moment on kernels before 6.5; it is made and removed.
[[nodiscard]] Result<runtime::UniqueFd> open_overlay(const OverlayParts& parts, const std::string& place);

}  // namespace mete::agent::docker
