// SPDX-License-Identifier: Apache-2.0
// The namespaces of another container that a docker client's container is in: --pid container:X, --ipc container:X.
#pragma once

#include "agent/pods/container/container_slot.h"
#include "runtime/fd.h"

namespace mete::agent {

// Not valid: it has its own.
struct JoinedNamespaces {
  runtime::UniqueFd pid;
  runtime::UniqueFd ipc;
};

// Those that the pod's annotations name, of what runs there now. The error, in docker's words: the other container is
// gone, does not run, or keeps its IPC namespace to itself.
[[nodiscard]] Result<JoinedNamespaces> open_joined(const ContainerSlot& slot);

}  // namespace mete::agent
