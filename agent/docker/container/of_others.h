// SPDX-License-Identifier: Apache-2.0
// What a client asks for that belongs to other containers: --link and --volumes-from. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/docker/container/record.h"

namespace mete::agent::docker {

// A name that the container alone has for another one.
struct LinkAsked {
  std::string container;  // name or id, as asked for
  std::string alias;
};
// HostConfig.Links and the Links of its endpoints: "NAME", "NAME:ALIAS". The error has docker's words.
[[nodiscard]] Result<std::vector<LinkAsked>> links_asked(const ContainerRecord& record);
// As docker shows them: "/db:/web/db".
[[nodiscard]] Json links_json(const ContainerRecord& record);

struct VolumesAsked {
  std::string container;
  bool read_only = false;
};
// HostConfig.VolumesFrom: "NAME", "NAME:ro". The error has docker's words.
[[nodiscard]] Result<std::vector<VolumesAsked>> volumes_asked(const Json& host_config);

// Puts the mounts of `other` among those of `record`, where mounts_of() (pod_of.h) finds them. An anonymous volume
// becomes one of both.
[[nodiscard]] Status share_volumes(const ContainerRecord& other, bool read_only, ContainerRecord& record);

// Whether it mounts the volume of that name.
[[nodiscard]] bool mounts_volume(const ContainerRecord& record, const std::string& volume);

}  // namespace mete::agent::docker
