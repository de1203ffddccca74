// SPDX-License-Identifier: Apache-2.0
// What a volume's reference to ClusterTrustBundles gives. Pure. Internal to config/.
#pragma once

#include <map>
#include <string>

#include "config/base/result.h"
#include "config/model/objects.h"
#include "config/model/volume.h"

namespace mete::config {

// PEM, each certificate once, in the order of their bytes: Kubernetes gives them in an order that changes with each
// start of a kubelet, so that nobody relies on one. The error has the kubelet's words
// (pkg/kubelet/clustertrustbundle): there is no such bundle.
[[nodiscard]] Result<std::string> trust_anchors(const TrustBundleSource& source,
                                                const std::map<std::string, ClusterTrustBundle>& bundles);

// In place of it where a plan says by name what it refers to.
[[nodiscard]] std::string trust_source_text(const TrustBundleSource& source);

}  // namespace mete::config
