// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/disk/disk_limits.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

config::Container limited(const std::string& name, std::optional<std::int64_t> bytes) {
  config::Container container;
  container.name = name;
  if (bytes) container.resources.limits.ephemeral_storage = Bytes(*bytes);
  return container;
}

TEST(DiskLimits, AnEmptyDirHasItsOwn) {
  config::PodSpec spec;
  spec.containers = {limited("c", std::nullopt)};
  EXPECT_FALSE(has_disk_limits(spec));
  spec.volumes = {{"in-memory", config::EmptyDirVolume{.memory = true, .size_limit = Bytes(1)}, {}}};
  EXPECT_FALSE(has_disk_limits(spec)) << "the kernel holds a tmpfs to its size";
  spec.volumes.push_back({"v", config::EmptyDirVolume{.memory = false, .size_limit = Bytes(1 << 20)}, {}});
  EXPECT_TRUE(has_disk_limits(spec));
  DiskUse use;
  EXPECT_EQ(over_disk_limit(spec, use), std::nullopt) << "not measured yet";
  use.volumes["v"] = Bytes(1 << 20);
  EXPECT_EQ(over_disk_limit(spec, use), std::nullopt);
  use.volumes["v"] += Bytes(1);
  EXPECT_EQ(over_disk_limit(spec, use), "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". ");
}

TEST(DiskLimits, AContainersAreItsLayerAndItsLogs) {
  config::PodSpec spec;
  spec.containers = {limited("c", 1500), limited("d", 2048)};
  DiskUse use;
  use.containers = {{"c", Bytes(1501)}, {"d", Bytes(0)}};
  EXPECT_EQ(over_disk_limit(spec, use), "Container c exceeded its local ephemeral storage limit \"1500\". ");
  use.containers = {{"c", Bytes(1500)}, {"d", Bytes(2048)}};
  EXPECT_EQ(over_disk_limit(spec, use), std::nullopt);
  use.volumes["any"] = Bytes(1);
  EXPECT_EQ(over_disk_limit(spec, use),
            "Pod ephemeral local storage usage exceeds the total limit of containers 3548. ");
}

TEST(DiskLimits, QuantitiesAreShownAsKubernetesWritesThem) {
  EXPECT_EQ(quantity_text(Bytes(0)), "0");
  EXPECT_EQ(quantity_text(Bytes(1023)), "1023");
  EXPECT_EQ(quantity_text(Bytes(3 << 20)), "3Mi");
  EXPECT_EQ(quantity_text(Bytes(1536)), "1536");
  EXPECT_EQ(quantity_text(Bytes(std::int64_t{1} << 40)), "1Ti");
}

}  // namespace
}  // namespace mete::agent
