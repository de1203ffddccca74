// SPDX-License-Identifier: Apache-2.0
// A start at which the caller's standard streams are the container's: `mete run`, `mete start -a`.
#pragma once

#include <string>

#include "agent/cli/containers/docker_client.h"

namespace mete::agent::cli {

inline constexpr int kNotStarted = 125;  // docker's: the container was not made or not started

struct AttachedStart {
  bool input = false;
  bool output = true;
  bool tty = false;
  bool removed = false;  // it goes with its end
  int refused = 0;       // exit code for a start that was refused; 0: 127, 126 or 125 by the reason
};

// Attaches, starts, and copies until the end. The program's exit code, or one of a start that failed, which has been
// told; kDone when the caller has detached. `path`: "/containers/ID".
[[nodiscard]] int start_attached(const DockerClient& client, const std::string& path, const AttachedStart& how);

}  // namespace mete::agent::cli
