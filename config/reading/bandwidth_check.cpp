// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostics.h"
#include "config/quantity.h"
#include "config/reading/readers.h"

namespace mete::config {

// Bits a second, with the bounds of Kubernetes' network plugins.
void check_bandwidth(const View& annotations, bool host_network) {
  constexpr std::int64_t kLeast = 1000;
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  for (const auto& [key, value] : annotations.entries()) {
    if (key != kIngressBandwidth && key != kEgressBandwidth) continue;
    const auto bits = parse_count(value.text());
    if (!bits || *bits < kLeast || *bits > kMost)
      value.error(mismatch(describe(value.node()), "bits a second from 1k to 1P, such as 10M"));
    if (host_network)
      value.warn({.message = "`" + key + "` is not acted on with hostNetwork: true", .not_acted_on = true});
  }
}

}  // namespace mete::config
