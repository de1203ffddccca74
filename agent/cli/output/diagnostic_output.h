// SPDX-License-Identifier: Apache-2.0
// What is wrong with manifests, for programs that read it. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/output/output.h"
#include "config/model/documents.h"

namespace mete::agent::cli {

[[nodiscard]] Json diagnostics_json(const std::vector<config::Diagnostic>& diagnostics);

// Workflow commands of GitHub Actions, one a line: "::error file=web.yaml,line=7,col=9::message". `level`: error or
// warning.
[[nodiscard]] std::string github_text(const std::vector<config::Diagnostic>& diagnostics, const std::string& level);

}  // namespace mete::agent::cli
