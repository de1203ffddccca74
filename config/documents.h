// SPDX-License-Identifier: Apache-2.0
// What reading manifests gives: the objects that are right, and a diagnostic for each thing that is not.
#pragma once

#include <string>
#include <vector>

#include "config/location.h"
#include "config/objects.h"
#include "config/pod_spec.h"
#include "config/policy.h"

namespace mete::config {

// One error or warning. Only `location` and `message` are always there.
struct Diagnostic {
  Location location;
  std::string object;      // "Pod default/web"; empty when the document was not understood that far
  std::string field;       // "spec.containers[0].resources.limits.memory"
  std::string message;     // the whole sentence, without location and field
  std::string found;       // what stands there
  std::string expected;    // what should
  std::string suggestion;  // nearest known field
  bool operator==(const Diagnostic&) const = default;
};

// "web.yaml:7:9: spec.containers[0].memroy: unknown field, did you mean `memory`?"
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);

struct Documents {
  std::vector<Pod> pods;
  std::vector<Policy> policies;
  std::vector<ConfigMap> config_maps;
  std::vector<Secret> secrets;
  // Objects with an error are not among the above: an object is read whole or not at all.
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

// The same text is now in another file, `lines` further down (negative: further up): all locations follow. So a
// manifest that is stored under another name need not be read again.
void move_to(Documents& documents, const std::string& file, int lines);

}  // namespace mete::config
