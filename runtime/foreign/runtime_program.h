// SPDX-License-Identifier: Apache-2.0
// Finds the program of another OCI runtime on this machine.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/model/runtime_programs.h"
#include "runtime/foreign/foreign_start.h"

namespace mete::runtime::foreign {

// The folders in which a program without a path is looked for, in this order.
inline const std::vector<std::string> kProgramFolders = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                         "/usr/bin",        "/sbin",          "/bin"};

// `handler` of a RuntimeClass. The error: there is no such program, or nobody may execute it.
[[nodiscard]] Result<Runtime> find_runtime(const std::string& handler,
                                           const std::vector<config::RuntimeProgram>& configured,
                                           const std::vector<std::string>& folders = kProgramFolders);

}  // namespace mete::runtime::foreign
