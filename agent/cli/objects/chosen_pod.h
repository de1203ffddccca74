// SPDX-License-Identifier: Apache-2.0
// The pod that a command takes where a workload or a Service is named: `mete logs deploy/web`.
#pragma once

#include <string>

#include "agent/cli/objects/pod_choice.h"
#include "agent/cli/output/output.h"

namespace mete::agent::cli {

struct ChosenPod {
  int code = kDone;  // else the error has been printed
  std::string word;  // "NAME" or "NAMESPACE/NAME"
};
// Of what was typed: as pod_word() has it, or KIND/NAME of what selects pods. Where there is no such pod yet, it is
// waited for, as kubectl does: 20 s for logs, a minute else. kLogs tells on standard error which of several it is.
[[nodiscard]] ChosenPod choose_pod(const Common& common, const std::string& word, const std::string& space, PodUse use);

}  // namespace mete::agent::cli
