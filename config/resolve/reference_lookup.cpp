// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/reference_lookup.h"

namespace mete::config {
namespace {

constexpr char kNameMark = '\x01';

Diagnostic diagnostic(const Pod& pod, const Reference& reference, std::string message, std::string expected) {
  return {reference.location,
          "Pod " + full_name(pod.metadata),
          reference.field,
          std::move(message),
          kind_name(reference),
          std::move(expected),
          ""};
}

}  // namespace

std::string kind_name(const Reference& reference) {
  if (!reference.kind.empty()) return std::string(reference.kind) + " `" + reference.name + "`";
  return (reference.secret ? "Secret `" : "ConfigMap `") + reference.name + "`";
}

std::string named(const Reference& reference, const std::string& key) {
  return kNameMark + std::string(reference.secret ? "secret/" : "configmap/") + reference.name + "/" + key;
}

std::string named_field(std::string_view path) {
  return kNameMark + ("field/" + std::string(path));
}

void ReferenceLookup::miss(const Reference& reference, const std::string& kubelet, const std::string& message) {
  if (missing_.empty()) missing_ = kubelet;
  findings_.warnings.push_back(
      diagnostic(pod_, reference, message + "; the pod waits for it", "a manifest that has it, or `optional: true`"));
}

std::optional<KeyValues> ReferenceLookup::all(const Reference& reference) {
  const std::string key = pod_.metadata.namespace_ + "/" + reference.name;
  if (reference.secret) {
    if (const auto found = data_.secrets.find(key); found != data_.secrets.end()) return found->second.data;
  } else if (const auto found = data_.config_maps.find(key); found != data_.config_maps.end()) {
    KeyValues all = found->second.data;
    all.insert(found->second.binary_data.begin(), found->second.binary_data.end());
    return all;
  }
  if (!reference.optional) {
    miss(reference, std::string(reference.secret ? "secret" : "configmap") + " \"" + reference.name + "\" not found",
         kind_name(reference) + " does not exist in namespace `" + pod_.metadata.namespace_ + "`");
  }
  return std::nullopt;
}

std::optional<std::string> ReferenceLookup::value(const Reference& reference, const std::string& key) {
  const auto data = all(reference);
  if (!data) return std::nullopt;
  const auto found = data->find(key);
  if (found == data->end()) {
    if (!reference.optional) {
      miss(reference,
           "couldn't find key " + key + " in " + (reference.secret ? "Secret " : "ConfigMap ") +
               pod_.metadata.namespace_ + "/" + reference.name,
           kind_name(reference) + " has no key `" + key + "`");
    }
    return std::nullopt;
  }
  // An environment variable ends at a NUL: the rest of the value would be lost silently.
  if (found->second.find('\0') != std::string::npos) {
    findings_.errors.push_back(
        diagnostic(pod_, reference, kind_name(reference) + ": the value of `" + key + "` holds a NUL byte", "text"));
    return std::nullopt;
  }
  return found->second;
}

}  // namespace mete::config
