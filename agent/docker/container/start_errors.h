// SPDX-License-Identifier: Apache-2.0
// Why a start failed, as docker's clients want to read it: they take their exit code and what they do next from these
// words. Pure.
#pragma once

#include <string>

#include "agent/docker/container/record.h"

namespace mete::agent::docker {

// `message`: of the pod. `exit_code`: of the start; 0: it did not come to that.
[[nodiscard]] std::string start_error_text(const ContainerRecord& record, int exit_code, const std::string& message);

// The status of an answer with this text. `tried`: a process was to be started.
[[nodiscard]] unsigned start_error_status(const std::string& text, bool tried);

// What is wrong with a user, in docker's words; else `message`.
[[nodiscard]] std::string user_error_text(const std::string& message);

}  // namespace mete::agent::docker
