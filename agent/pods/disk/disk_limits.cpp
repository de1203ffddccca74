// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/disk/disk_limits.h"

#include <algorithm>

namespace mete::agent {
namespace {

std::optional<std::string> over_volumes(const config::PodSpec& spec, const DiskUse& use) {
  for (const auto& volume : spec.volumes) {
    const auto* empty = std::get_if<config::EmptyDirVolume>(&volume.source);
    const auto used = use.volumes.find(volume.name);
    if (empty == nullptr || !empty->size_limit || used == use.volumes.end() || used->second <= *empty->size_limit)
      continue;
    return "Usage of EmptyDir volume \"" + volume.name + "\" exceeds the limit \"" + quantity_text(*empty->size_limit) +
           "\". ";
  }
  return std::nullopt;
}

// As resource.PodLimits() has it: the sum of the limits that there are.
std::optional<Bytes> pod_limit(const config::PodSpec& spec) {
  std::optional<Bytes> sum;
  for (const auto& each : spec.containers) {
    if (const auto& own = each.resources.limits.ephemeral_storage) sum = sum.value_or(Bytes(0)) + *own;
  }
  for (const auto& each : spec.init_containers) {
    if (const auto& own = each.resources.limits.ephemeral_storage) {
      sum = each.sidecar ? sum.value_or(Bytes(0)) + *own : std::max(sum.value_or(Bytes(0)), *own);
    }
  }
  return sum;
}

std::optional<std::string> over_pod(const config::PodSpec& spec, const DiskUse& use) {
  const auto limit = pod_limit(spec);
  if (!limit) return std::nullopt;
  Bytes sum(0);
  for (const auto& [name, bytes] : use.containers) sum += bytes;
  for (const auto& [name, bytes] : use.volumes) sum += bytes;
  if (sum <= *limit) return std::nullopt;
  return "Pod ephemeral local storage usage exceeds the total limit of containers " + quantity_text(*limit) + ". ";
}

std::optional<std::string> over_container(const config::Container& container, const DiskUse& use) {
  const auto& limit = container.resources.limits.ephemeral_storage;
  const auto used = use.containers.find(container.name);
  if (!limit || used == use.containers.end() || used->second <= *limit) return std::nullopt;
  return "Container " + container.name + " exceeded its local ephemeral storage limit \"" + quantity_text(*limit) +
         "\". ";
}

}  // namespace

bool has_disk_limits(const config::PodSpec& spec) {
  const auto limited = [](const config::Container& each) {
    return each.resources.limits.ephemeral_storage.has_value();
  };
  const auto limited_volume = [](const config::Volume& each) {
    const auto* empty = std::get_if<config::EmptyDirVolume>(&each.source);
    return empty != nullptr && !empty->memory && empty->size_limit;
  };
  return std::any_of(spec.containers.begin(), spec.containers.end(), limited) ||
         std::any_of(spec.init_containers.begin(), spec.init_containers.end(), limited) ||
         std::any_of(spec.volumes.begin(), spec.volumes.end(), limited_volume);
}

std::optional<std::string> over_disk_limit(const config::PodSpec& spec, const DiskUse& use) {
  if (auto over = over_volumes(spec, use)) return over;
  if (auto over = over_pod(spec, use)) return over;
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const auto& each : *list) {
      if (auto over = over_container(each, use)) return over;
    }
  }
  return std::nullopt;
}

std::string quantity_text(Bytes bytes) {
  constexpr const char* kUnits[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  std::int64_t number = bytes.count();
  std::size_t unit = 0;
  while (number != 0 && number % 1024 == 0 && unit + 1 < std::size(kUnits)) {
    number /= 1024;
    ++unit;
  }
  return std::to_string(number) + kUnits[unit];
}

}  // namespace mete::agent
