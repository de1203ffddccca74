// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/storage_reader.h"

#include <array>

namespace mete::config {
namespace {

constexpr auto kDriverWords = [] {
  std::array<std::string_view, std::size(kStorageDrivers)> words{};
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = kStorageDrivers[i].word;
  return words;
}();
constexpr std::array kDiskLimitWords = std::to_array<std::string_view>({"evict", "quota"});

constexpr std::array kStorageFields = std::to_array<FieldSpec>({
    {.name = "driver",
     .type = FieldType::kString,
     .values = kDriverWords,
     .doc =
         "How the root file systems of containers are made; auto, or not set: by what kernel and file system can do"},
    {.name = "ephemeralStorage",
     .type = FieldType::kString,
     .values = kDiskLimitWords,
     .doc = "At a container's limit: the pod is evicted (evict, also when not set), or writes fail (quota)"},
});

}  // namespace

const ObjectSpec kStorageSpec = {.name = "Storage", .fields = kStorageFields};

StoragePolicy read_storage(const View& view) {
  StoragePolicy policy;
  const std::string word = view["driver"].text();
  for (const auto& each : kStorageDrivers) {
    if (each.word == word) policy.driver = each.driver;
  }
  if (view["ephemeralStorage"].text() == "quota") policy.disk_limit = DiskLimit::kQuota;
  return policy;
}

}  // namespace mete::config
