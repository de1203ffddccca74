// SPDX-License-Identifier: Apache-2.0
// Metadata, which all kinds of manifests have, and the two kinds that only carry data for Pods: ConfigMap and Secret.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/base/location.h"

namespace mete::config {

struct ObjectMeta {
  std::string name;
  std::string namespace_ = "default";
  std::string uid;  // as in the manifest; empty: the agent makes one
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  bool operator==(const ObjectMeta&) const = default;
};

// "default/web"
[[nodiscard]] inline std::string full_name(const ObjectMeta& metadata) {
  return metadata.namespace_ + "/" + metadata.name;
}

struct ConfigMap {
  ObjectMeta metadata;
  std::map<std::string, std::string> data;
  std::map<std::string, std::string> binary_data;  // decoded from base64
  bool immutable = false;                          // the data may not change any more (immutable.h)
  Location location;
  bool operator==(const ConfigMap&) const = default;
};

struct Secret {
  ObjectMeta metadata;
  std::string type = "Opaque";
  std::map<std::string, std::string> data;  // decoded; stringData is merged in and has precedence, as in Kubernetes
  bool immutable = false;
  Location location;
  bool operator==(const Secret&) const = default;
};

// The runtime that mete is itself: a handler as any other, and a name that needs no RuntimeClass.
inline constexpr const char* kOwnRuntime = "mete";

// A name for a runtime (node.k8s.io/v1). It has no namespace.
struct RuntimeClass {
  ObjectMeta metadata;
  std::string handler;  // kOwnRuntime, or another OCI runtime of the machine (RuntimeProgram)
  Location location;
  bool operator==(const RuntimeClass&) const = default;
};

// Certificates that all may trust (certificates.k8s.io). It has no namespace.
struct ClusterTrustBundle {
  ObjectMeta metadata;
  std::string signer;                // empty: of no signer
  std::vector<std::string> anchors;  // of each certificate its bytes (DER)
  Location location;
  bool operator==(const ClusterTrustBundle&) const = default;
};

}  // namespace mete::config
