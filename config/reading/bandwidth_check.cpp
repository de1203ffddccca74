// SPDX-License-Identifier: Apache-2.0
#include "config/model/bandwidth.h"
#include "config/model/diagnostics.h"
#include "config/reading/readers.h"

namespace mete::config {
namespace {

// The error names what was found as a field of YAML; `parse` says what was expected.
template <class Parse>
std::optional<std::int64_t> checked(const View& view, Parse parse) {
  if (!view) return std::nullopt;
  const auto amount = parse(view.text());
  if (amount) return *amount;
  const std::string& what = amount.error().what;
  const auto expected = what.rfind("expected ");
  view.error(mismatch(describe(view.node()), what.substr(expected + std::string_view("expected ").size())));
  return std::nullopt;
}

}  // namespace

void check_bandwidth(const View& annotations, bool host_network) {
  for (const auto& [key, value] : annotations.entries()) {
    if (key != kIngressBandwidth && key != kEgressBandwidth && key != kBandwidthBurst) continue;
    (void)(key == kBandwidthBurst ? checked(value, parse_burst) : checked(value, parse_bits));
    if (host_network)
      value.warn({.message = "`" + key + "` is not acted on with hostNetwork: true", .not_acted_on = true});
  }
}

Bandwidth read_bandwidth(const View& view) {
  return {checked(view["ingress"], parse_bits), checked(view["egress"], parse_bits),
          checked(view["burst"], parse_burst)};
}

}  // namespace mete::config
