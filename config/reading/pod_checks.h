// SPDX-License-Identifier: Apache-2.0
// What can be wrong between the parts of a Pod: a mount of no volume, a port that is taken, users of its own with
// namespaces of the machine. Internal to config/.
#pragma once

#include <vector>

#include "config/model/pod_spec.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

// A port of the machine leads to one container; with hostNetwork a container listens on the machine itself.
void check_host_ports(const View& spec, bool host_network);
// The containers that downwardAPI volumes name.
void check_volume_fields(const View& spec, const Pod& pod);
// The volumes that mounts and variables of a container name.
void check_mounts(const View& container, const std::vector<Volume>& volumes);
// A volume of huge pages has a size, and a container with such pages.
void check_huge_pages(const View& volumes, PodSpec& spec);
// A container that is never started again cannot be restarted for a resize either.
void check_resize_policies(const View& spec, const PodSpec& pod);
// hostUsers, and procMount, which needs it.
void check_users(const View& spec, const PodSpec& pod);

}  // namespace mete::config
