// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/resolve.h"

namespace mete::config {
namespace {

// The two types of Secrets for registries; the older one has the content of "auths" alone.
constexpr const char* kConfigKey = ".dockerconfigjson";
constexpr const char* kOldKey = ".dockercfg";

}  // namespace

std::vector<std::string> pull_logins(const Pod& pod, const Surroundings& data, Findings findings) {
  std::vector<std::string> logins;
  for (std::size_t i = 0; i < pod.spec.image_pull_secrets.size(); ++i) {
    const std::string& name = pod.spec.image_pull_secrets[i];
    const auto miss = [&](std::string message, std::string expected) {
      const auto& places = pod.spec.places;
      const bool known = places && i < places->image_pull_secrets.size();
      findings.warnings.push_back(
          {known ? places->image_pull_secrets[i] : pod.location, "Pod " + full_name(pod.metadata),
           "spec.imagePullSecrets[" + std::to_string(i) + "].name", std::move(message), name, std::move(expected), ""});
    };
    const auto secret = data.secrets.find(pod.metadata.namespace_ + "/" + name);
    if (secret == data.secrets.end()) {
      miss("Secret `" + name + "` does not exist in namespace `" + pod.metadata.namespace_ +
               "`; images are asked for without it",
           "a manifest that has it");
      continue;
    }
    const auto& keys = secret->second.data;
    if (const auto whole = keys.find(kConfigKey); whole != keys.end()) {
      logins.push_back(whole->second);
    } else if (const auto old = keys.find(kOldKey); old != keys.end()) {
      logins.push_back("{\"auths\":" + old->second + "}");
    } else {
      miss("Secret `" + name + "` has neither the key `" + kConfigKey + "` nor `" + kOldKey + "`",
           "a Secret of type kubernetes.io/dockerconfigjson");
    }
  }
  return logins;
}

}  // namespace mete::config
