// SPDX-License-Identifier: Apache-2.0
// The result of reading manifests: the valid objects, and one diagnostic per fault.
#pragma once

#include <string>
#include <vector>

#include "config/base/location.h"
#include "config/model/objects.h"
#include "config/model/pod_spec.h"
#include "config/model/policy.h"
#include "config/model/service.h"
#include "config/model/traffic_policy.h"
#include "config/model/workloads.h"

namespace mete::config {

// One error or warning. Only `location` and `message` are always set.
struct Diagnostic {
  Location location;
  std::string object;         // "Pod default/web"; empty when the fault comes before kind and name are known
  std::string field;          // "spec.containers[0].resources.limits.memory"
  std::string message;        // the whole sentence, without location and field
  std::string found;          // the text or value in the manifest
  std::string expected;       // the allowed text or value
  std::string suggestion;     // nearest known field
  bool not_acted_on = false;  // a warning about a field or kind that is valid and that mete does not act on
  bool operator==(const Diagnostic&) const = default;
};

// "web.yaml:7:9: spec.containers[0].memroy: unknown field, did you mean `memory`?"
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);

struct Documents {
  std::vector<Pod> pods;
  std::vector<Policy> policies;
  std::vector<ConfigMap> config_maps;
  std::vector<Secret> secrets;
  std::vector<Workload> workloads;
  std::vector<Service> services;
  std::vector<TrafficPolicy> traffic_policies;
  std::vector<RuntimeClass> runtime_classes;
  std::vector<ClusterTrustBundle> trust_bundles;
  // PersistentVolumeClaims. Nothing of them is kept: a volume is made when a pod uses it for the first time.
  std::vector<ObjectMeta> claims;
  // An object with an error is not in the lists above: an object is read completely or not at all.
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;

  [[nodiscard]] bool ok() const { return errors.empty(); }
  [[nodiscard]] bool has_objects() const {
    return !(pods.empty() && policies.empty() && config_maps.empty() && secrets.empty() && workloads.empty() &&
             services.empty() && traffic_policies.empty() && runtime_classes.empty() && trust_bundles.empty());
  }
};

// The same text is now in another file, `lines` further down (negative: further up): all locations follow. So a
// manifest that is stored under another name need not be read again.
void move_to(Documents& documents, const std::string& file, int lines);

}  // namespace mete::config
