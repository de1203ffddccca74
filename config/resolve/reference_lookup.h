// SPDX-License-Identifier: Apache-2.0
// What a Pod's reference to a ConfigMap or a Secret gives: its values, or a name in their place, so that a pod's
// identity does not change with the values.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/model/diagnostics.h"
#include "config/resolve/resolve.h"

namespace mete::config {

using KeyValues = std::map<std::string, std::string>;

struct Reference {
  bool secret = false;
  std::string name;
  bool optional = false;
  Location location;
  std::string field;
  std::string_view kind = {};  // empty: Secret or ConfigMap, as `secret` says
};

// "Secret `name`", "ConfigMap `name`".
[[nodiscard]] std::string kind_name(const Reference& reference);

// The text in place of a value (or, without a key, of all values): no text of a manifest begins like it.
[[nodiscard]] std::string named(const Reference& reference, const std::string& key = {});
// The same of a field of the Pod.
[[nodiscard]] std::string named_field(std::string_view path);

// Of one pod. Findings name the pod and the reference's field. Keeps all references of its constructor.
class ReferenceLookup {
 public:
  ReferenceLookup(const Pod& pod, const Surroundings& data, Findings findings)
      : pod_(pod), data_(data), findings_(findings) {}

  // The object's keys. Empty when the object is missing: noted with miss() unless the reference is optional.
  [[nodiscard]] std::optional<KeyValues> all(const Reference& reference);
  // The value of a key for an environment variable.
  [[nodiscard]] std::optional<std::string> value(const Reference& reference, const std::string& key);

  // Notes what the pod waits for, as on a cluster: `kubelet` is the kubelet's sentence.
  void miss(const Reference& reference, const std::string& kubelet, const std::string& message);

  // The first thing that a container or volume waits for since forget_missing(); empty: nothing.
  [[nodiscard]] const std::string& missing() const { return missing_; }
  void forget_missing() { missing_.clear(); }

 private:
  const Pod& pod_;
  const Surroundings& data_;
  Findings findings_;
  std::string missing_;
};

}  // namespace mete::config
