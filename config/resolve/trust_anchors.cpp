// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/trust_anchors.h"

#include <set>

#include "config/values/pem.h"

namespace mete::config {
namespace {

bool fits_all(const Selector& selector) {
  return selector.match_labels.empty() && selector.match_expressions.empty();
}

}  // namespace

Result<std::string> trust_anchors(const TrustBundleSource& source,
                                  const std::map<std::string, ClusterTrustBundle>& bundles) {
  std::set<std::string> anchors;
  bool found = false;
  for (const auto& [name, bundle] : bundles) {
    const bool selected = source.name.empty()
                              ? bundle.signer == source.signer && source.labels &&
                                    (fits_all(*source.labels) || matches(*source.labels, bundle.metadata.labels))
                              : name == source.name;
    if (!selected) continue;
    found = true;
    anchors.insert(bundle.anchors.begin(), bundle.anchors.end());
  }
  if (!found && !source.name.empty())
    return fail("while getting ClusterTrustBundle: clustertrustbundle.certificates.k8s.io \"" + source.name +
                "\" not found");
  if (!found) return fail("combination of signerName and labelSelector matched zero ClusterTrustBundles");
  std::string text;
  for (const auto& each : anchors) text += certificate_text(each);
  return text;
}

std::string trust_source_text(const TrustBundleSource& source) {
  std::string text = "\x01trust/" + source.name + "/" + source.signer;
  if (!source.labels) return text;
  for (const auto& [key, value] : source.labels->match_labels) text.append("\n").append(key).append("=").append(value);
  for (const auto& each : source.labels->match_expressions) {
    text += "\n" + each.key + " " + std::to_string(static_cast<int>(each.op));
    for (const auto& value : each.values) text.append(" ").append(value);
  }
  return text + "\n";
}

}  // namespace mete::config
