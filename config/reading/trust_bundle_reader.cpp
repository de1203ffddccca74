// SPDX-License-Identifier: Apache-2.0
// ClusterTrustBundles, and the volumes' references to them.
#include <algorithm>

#include "config/model/diagnostics.h"
#include "config/reading/readers.h"
#include "config/values/names.h"
#include "config/values/pem.h"

namespace mete::config {
namespace {

// "example.org/signer": the API server's rule, of which the last part may be anything that a path can be.
Status check_signer(std::string_view name) {
  const auto slash = name.find('/');
  const bool fits =
      slash != std::string_view::npos && slash + 1 < name.size() && check_dns_subdomain(name.substr(0, slash));
  if (fits) return {};
  return fail("found \"" + std::string(name.substr(0, 300)) + "\", expected DOMAIN/PATH such as example.org/signer");
}

// The name of a signer's bundle is "example.org:signer:NAME" (ValidateClusterTrustBundleName of Kubernetes).
void check_bundle_name(const View& name, const std::string& signer) {
  if (!name) return;
  std::string own = name.text();
  if (!signer.empty()) {
    std::string prefix = signer + ":";
    std::replace(prefix.begin(), prefix.end(), '/', ':');
    if (!own.starts_with(prefix))
      return name.error(
          mismatch(describe(name.node()), "a name that begins with \"" + prefix + "\", as signerName says"));
    own.erase(0, prefix.size());
  }
  name.check(check_dns_subdomain(own));
}

}  // namespace

ClusterTrustBundle read_trust_bundle(const View& view) {
  ClusterTrustBundle bundle;
  bundle.location = view.location();
  const View metadata = view["metadata"];
  const View spec = view["spec"];
  bundle.metadata.name = metadata["name"].text();
  if (metadata && !metadata["name"]) metadata.error({"`name` is missing", "nothing", "`name`"});
  bundle.metadata.uid = metadata["uid"].text();
  bundle.metadata.labels = read_labels(metadata["labels"]);
  bundle.metadata.annotations = read_annotations(metadata["annotations"]);
  bundle.signer = spec["signerName"].text();
  if (!bundle.signer.empty()) spec["signerName"].check(check_signer(bundle.signer));
  check_bundle_name(metadata["name"], bundle.signer);
  if (const View text = spec["trustBundle"]) {
    auto anchors = parse_certificates(text.text());
    // The text itself is left out: it is long.
    if (!anchors) text.error({anchors.error().what, "", "certificates in PEM"});
    bundle.anchors = anchors.value_or(std::vector<std::string>());
  }
  return bundle;
}

TrustBundleSource read_trust_source(const View& view) {
  TrustBundleSource source{.name = view["name"].text(),
                           .signer = view["signerName"].text(),
                           .labels = {},
                           .optional = view["optional"].boolean(),
                           .path = view["path"].text()};
  if (source.name.empty() == source.signer.empty()) {
    view.error(
        mismatch(source.name.empty() ? "neither `name` nor `signerName`" : "`name` and `signerName`", "one of them"));
  } else if (!source.signer.empty()) {
    view["signerName"].check(check_signer(source.signer));
  }
  if (const View labels = view["labelSelector"]) {
    source.labels = read_label_selector(labels);
    if (!source.name.empty()) labels.error(mismatch("`labelSelector` with `name`", "it with `signerName`"));
  }
  if (view["path"]) view["path"].check(check_relative_path(source.path));
  return source;
}

}  // namespace mete::config
