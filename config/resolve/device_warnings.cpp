// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/device_warnings.h"

namespace mete::config {
namespace {

void warn_of(const Container& container, const std::string& object, const std::string& field,
             const std::map<std::string, std::int64_t>& counts, std::vector<Diagnostic>& all) {
  for (const auto& [kind, count] : *container.resources.limits.devices) {
    const auto there = counts.find(kind);
    const std::int64_t most = there == counts.end() ? 0 : there->second;
    if (count <= most) continue;
    Diagnostic warning;
    warning.location = container.location;
    warning.object = object;
    warning.field = field + ".resources.limits['" + kind + "']";
    warning.found = std::to_string(count);
    warning.expected = "at most " + std::to_string(most);
    warning.message = "found " + warning.found + ", and this machine has " +
                      (most == 0 ? "no device" : "only " + std::to_string(most)) +
                      " of that kind now (Container Device Interface); the Pod waits for it";
    all.push_back(std::move(warning));
  }
}

void warn_of(const Pod& pod, const std::string& object, const std::string& above,
             const std::map<std::string, std::int64_t>& counts, std::vector<Diagnostic>& all) {
  const auto each = [&](const std::vector<Container>& list, const char* name) {
    for (std::size_t i = 0; i < list.size(); ++i)
      warn_of(list[i], object, above + name + "[" + std::to_string(i) + "]", counts, all);
  };
  each(pod.spec.init_containers, "spec.initContainers");
  each(pod.spec.containers, "spec.containers");
}

}  // namespace

std::vector<Diagnostic> device_warnings(const Documents& documents, const std::map<std::string, std::int64_t>& counts) {
  std::vector<Diagnostic> all;
  for (const auto& pod : documents.pods) warn_of(pod, "Pod " + full_name(pod.metadata), "", counts, all);
  for (const auto& workload : documents.workloads) {
    const bool cron = workload.kind() == WorkloadKind::kCronJob;
    warn_of(template_of(workload), std::string(to_string(workload.kind())) + " " + full_name(workload.metadata),
            cron ? "spec.jobTemplate.spec.template." : "spec.template.", counts, all);
  }
  return all;
}

}  // namespace mete::config
