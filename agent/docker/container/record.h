// SPDX-License-Identifier: Apache-2.0
// What is known of a docker client's container beyond its pod: STATE/docker/ID.json. It is on disk before the pod is
// made, and goes after the pod is gone. What the container is doing is in the pod's record alone.
#pragma once

#include <string>

#include "agent/docker/fields.h"
#include "config/base/result.h"
#include "enforcers/restart.h"

namespace mete::agent::docker {

inline constexpr const char* kNamespace = "docker";  // of its pod

struct ContainerRecord {
  std::string id;        // 64 hexadecimal digits
  std::string name;      // "web"
  std::string pod;       // the pod's name, and that of its only container; stays when the name changes
  std::string image;     // as the client named it
  std::string image_id;  // "sha256:..."
  enforcers::WallTime created{};
  // As `inspect` shows them: the client's wishes, completed by the image.
  Json config;
  Json host_config;
  Json endpoints;     // NetworkingConfig.EndpointsConfig
  std::string error;  // why the last start failed; empty: it did not

  [[nodiscard]] std::string key() const { return std::string(kNamespace) + "/" + pod; }
  [[nodiscard]] std::string short_id() const { return id.substr(0, 12); }
};

[[nodiscard]] std::string to_json(const ContainerRecord& record);
[[nodiscard]] Result<ContainerRecord> parse_container(const std::string& text);

// The name of the pod for this container: its own name as far as a pod may have it. `taken`: another pod has that name.
[[nodiscard]] std::string pod_name(const std::string& name, const std::string& id, bool taken);

}  // namespace mete::agent::docker
