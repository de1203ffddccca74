// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/overrides.h"

#include "agent/workloads/workload_text.h"
#include "runtime/json.h"

namespace mete::agent {

using nlohmann::json;

AppliedAgain apply_again(const Overrides& said, const std::string& manifest) {
  AppliedAgain again{said, {}};
  const json object = json::parse(manifest, nullptr, false);
  const json spec = object.is_object() ? object.value("spec", json::object()) : json::object();
  if (said.replicas && spec.contains("replicas")) {
    again.left.replicas.reset();
    if (spec["replicas"] != *said.replicas)
      again.taken_back.push_back("replicas becomes " + spec["replicas"].dump() + ", found " +
                                 std::to_string(*said.replicas) + " by `mete scale`");
  }
  if (said.paused && spec.contains("paused")) {
    again.left.paused.reset();
    if (spec["paused"] != *said.paused)
      again.taken_back.emplace_back(*said.paused ? "its rollout goes on, which `mete rollout pause` holds"
                                                 : "its rollout is held, which `mete rollout resume` had released");
  }
  if (!said.template_text.empty()) {
    again.left.template_text.clear();
    if (template_text(with_overrides(manifest, {.template_text = said.template_text})) != template_text(manifest))
      again.taken_back.emplace_back("its template becomes the manifest's, found another one by `mete rollout undo`");
  }
  return again;
}

}  // namespace mete::agent
