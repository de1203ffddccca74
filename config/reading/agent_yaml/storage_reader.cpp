// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/storage_reader.h"

#include <array>

#include "config/model/diagnostics.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

constexpr auto kDriverWords = [] {
  std::array<std::string_view, std::size(kStorageDrivers)> words{};
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = kStorageDrivers[i].word;
  return words;
}();
constexpr std::array kDiskLimitWords = std::to_array<std::string_view>({"evict", "quota"});

constexpr std::array kThinPoolFields = std::to_array<FieldSpec>({
    {.name = "device",
     .type = FieldType::kString,
     .doc =
         "The path of an empty block device that becomes the pool; without it and `pool`: a file in the state folder"},
    {.name = "pool",
     .type = FieldType::kString,
     .doc = "The name, as `dmsetup ls` shows it, of a thin pool that others made (LVM)"},
    {.name = "size",
     .type = FieldType::kBytes,
     .doc =
         "Of that file, which takes of the disk what is written; not set: what is free when it is made, at most 100Gi. "
         "A larger size is taken at the next start"},
    {.name = "rootSize",
     .type = FieldType::kBytes,
     .doc = "Of a container's file system, with its image's files; not set: 10Gi"},
});
constexpr ObjectSpec kThinPoolSpec = {.name = "ThinPool", .fields = kThinPoolFields};

// dm-thin: a name of device mapper has no slash and fits in DM_NAME_LEN.
bool is_mapper_name(const std::string& text) {
  constexpr std::size_t kMost = 127;
  return !text.empty() && text.size() <= kMost && text.find('/') == std::string::npos;
}

std::optional<Bytes> read_size(const View& view, Bytes least, const std::string& expected) {
  const auto size = read_with(view, parse_bytes);
  if (size && *size < least) view.error(mismatch(describe(view.node()), expected));
  return size;
}

ThinPoolPolicy read_thin_pool(const View& view) {
  constexpr Bytes kLeastPool(std::int64_t{128} << 20U);
  constexpr Bytes kLeastRoot(std::int64_t{32} << 20U);
  ThinPoolPolicy policy;
  const View device = view["device"];
  const View pool = view["pool"];
  policy.device = device.text();
  policy.pool = pool.text();
  if (device && !policy.device.starts_with("/"))
    device.error(mismatch(describe(device.node()), "the path of a block device, such as /dev/sdb"));
  if (pool && !is_mapper_name(policy.pool))
    pool.error(mismatch(describe(pool.node()), "a name as `dmsetup ls` shows it, without a folder"));
  if (device && pool) pool.error(mismatch("`device`, too", "one of the two"));
  policy.size = read_size(view["size"], kLeastPool, "at least 128Mi");
  if (policy.size && (device || pool))
    view["size"].error(
        mismatch("`" + std::string(device ? "device" : "pool") + "`, which has a size of its own", "no size"));
  if (const auto size = read_size(view["rootSize"], kLeastRoot, "at least 32Mi")) policy.root_size = *size;
  return policy;
}

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
    {.name = "thinPool",
     .type = FieldType::kObject,
     .object = &kThinPoolSpec,
     .doc = "Of the driver devicemapper: where its volumes are, and how large"},
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
  policy.thin_pool = read_thin_pool(view["thinPool"]);
  return policy;
}

}  // namespace mete::config
