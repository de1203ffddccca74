// SPDX-License-Identifier: Apache-2.0
// The families of the kubelet's /metrics/probes.
#include <exception>

#include "agent/export/kube_metrics.h"

namespace mete::agent {
namespace {

using collectors::FamilyWriter;
using collectors::LabelBlock;

template <class Write>
void each_probe(const std::vector<KubePod>& pods, const Write& write) {
  for (const KubePod& pod : pods) {
    for (const KubeContainer& container : pod.containers) {
      for (std::size_t kind = 0; kind < kProbeKinds; ++kind) {
        if (const auto& counts = container.probes.at(kind); !counts.empty())
          write(pod, container, to_string(static_cast<ProbeKind>(kind)), counts);
      }
    }
  }
}

FamilyWriter writer_of(std::string& out, std::string_view name, collectors::Format format) {
  for (const KubeFamily& family : kube_families()) {
    if (family.name == name) return {out, family.name, family.help, family.type, format};
  }
  std::terminate();
}

}  // namespace

void write_probers(std::string& out, const std::vector<KubePod>& pods, collectors::Format format) {
  {
    auto totals = writer_of(out, kProbeTotal, format);
    each_probe(pods, [&](const KubePod& pod, const KubeContainer& container, auto kind, const ProbeCounts& counts) {
      const LabelBlock labels{{"namespace", pod.namespace_},
                              {"pod", pod.name},
                              {"pod_uid", pod.uid},
                              {"container", container.name},
                              {"probe_type", kind}};
      totals.add(labels, counts.successful, R"(result="successful")");
      totals.add(labels, counts.failed, R"(result="failed")");
      totals.add(labels, counts.unknown, R"(result="unknown")");
    });
  }
  auto durations = writer_of(out, kProbeDuration, format);
  each_probe(pods, [&](const KubePod& pod, const KubeContainer& container, auto kind, const ProbeCounts& counts) {
    const LabelBlock labels{
        {"namespace", pod.namespace_}, {"pod", pod.name}, {"container", container.name}, {"probe_type", kind}};
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < counts.durations.size(); ++i) {
      sum += counts.durations.at(i);
      std::string bound = "le=\"";
      if (i < ProbeCounts::kBounds.size()) {
        collectors::Value(ProbeCounts::kBounds.at(i)).append_to(bound);
      } else {
        bound += "+Inf";
      }
      durations.add_suffixed("_bucket", labels, sum, bound + '"');
    }
    durations.add_suffixed("_sum", labels, counts.seconds);
    durations.add_suffixed("_count", labels, sum);
  });
}

}  // namespace mete::agent
