// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/huge_pages.h"

#include <gtest/gtest.h>

namespace mete::runtime::storage {
namespace {

TEST(HugePages, SizesAreThoseOfMount) {
  EXPECT_EQ(page_size_option("2Mi"), "pagesize=2M");
  EXPECT_EQ(page_size_option("1Gi"), "pagesize=1024M");
  EXPECT_EQ(page_size_option("64Ki"), "pagesize=64K");
  EXPECT_EQ(page_size_option("5"), "");
  EXPECT_EQ(page_size_option("x"), "");
}

TEST(HugePages, AKernelWithoutThatSizeSaysSo) {
  const auto done = mount_huge_pages("/nowhere", "3Mi", 0777);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("without huge pages of 3Mi"), std::string::npos);
}

}  // namespace
}  // namespace mete::runtime::storage
