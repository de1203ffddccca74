// SPDX-License-Identifier: Apache-2.0
// `mete schema`: the JSON Schemas by which editors complete and check manifests and agent.yaml.
#include <memory>

#include "agent/cli/output/output.h"
#include "config/reading/schema/json_schema.h"

namespace mete::agent::cli {

void add_schema(CommandLine& line) {
  auto kind = std::make_shared<std::string>();
  auto* command = line.add({"schema", "Print the JSON Schema of a kind of file; needs no agent",
                            "  mete schema pod > pod.schema.json\n  mete schema policy\n  mete schema agent"},
                           [kind] {
                             print(*kind == "pod"        ? config::pod_schema()
                                   : *kind == "workload" ? config::workload_schema()
                                   : *kind == "service"  ? config::service_schema()
                                   : *kind == "policy"   ? config::policy_schema()
                                                         : config::agent_schema());
                             return kDone;
                           });
  command
      ->add_option("kind", *kind,
                   "pod, workload (Deployment, Job, ...), service (and NetworkPolicy), policy or agent (agent.yaml)")
      ->required()
      ->check(CLI::IsMember({"pod", "workload", "service", "policy", "agent"}));
}

}  // namespace mete::agent::cli
