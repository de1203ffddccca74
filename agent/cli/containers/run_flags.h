// SPDX-License-Identifier: Apache-2.0
// The flags of `mete run` and `mete create`.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "agent/cli/containers/run_request.h"

namespace mete::agent::cli {

struct RunFlags {
  RunOptions options;
  std::vector<std::string> env;
  std::vector<std::string> env_files;
  std::vector<std::string> label_files;
  std::string id_file;
  std::string pull = "missing";
};

// All but -d. What follows the image is the container's command.
void add_run_options(CLI::App& command, RunFlags& flags);

}  // namespace mete::agent::cli
