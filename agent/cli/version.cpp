// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/output.h"

namespace mete::agent::cli {

void add_version(CommandLine& line) {
  const Common& common = line.common();
  auto* command = line.add({"version", "Print the version", "  mete version -o json"}, [&common] {
    if (!print_structured(common, {{"version", METE_VERSION}})) print("mete " METE_VERSION "\n");
    return kDone;
  });
  line.add_output(command);
}

}  // namespace mete::agent::cli
