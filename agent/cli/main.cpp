// SPDX-License-Identifier: Apache-2.0
// mete: the command line, and with `mete agent` the daemon.
#include <cstdio>
#include <exception>

#include "agent/cli/command_line.h"
#include "agent/cli/output/output.h"

int main(int argc, char** argv) {
  try {
    mete::agent::cli::CommandLine line;
    mete::agent::cli::add_commands(line, line.first_word(argc, argv));
    return mete::agent::cli::with_print_failure(line.run(argc, argv));
  } catch (const std::exception& error) {  // thrown by a library; mete's own functions return errors
    std::fprintf(stderr, "mete: unexpected: %s\n", error.what());
    return mete::agent::cli::kFailed;
  }
}
