// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/known.h"

#include <gtest/gtest.h>

#include <limits>

#include "collectors/kernel/sample.h"

namespace mete::collectors {
namespace {

using namespace literals;
using runtime::cgroup::Limit;

TEST(Known, IsAnOptionalInTheSizeOfItsValue) {
  static_assert(sizeof(Count) == sizeof(std::uint64_t));
  static_assert(sizeof(Time) == sizeof(std::chrono::nanoseconds));
  static_assert(sizeof(Size) == sizeof(Bytes));
  static_assert(sizeof(SizeLimit) == sizeof(Limit<Bytes>));
  Count count;
  EXPECT_FALSE(count);
  EXPECT_EQ(count.value_or(7), 7U);
  count = 0;
  ASSERT_TRUE(count) << "0 is a number";
  EXPECT_EQ(*count, 0U);
  *count += 5;
  EXPECT_EQ(count.value_or(7), 5U);
  count = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(count) << "a counter of the kernel that has fallen below zero";
  count.reset();
  EXPECT_FALSE(count.has_value());
  count = 3;
  count = std::nullopt;
  EXPECT_FALSE(count);
}

TEST(Known, ComparesAsAnOptional) {
  EXPECT_EQ(Count(), Count());
  EXPECT_EQ(Count(), std::nullopt);
  EXPECT_NE(Count(0), Count());
  EXPECT_NE(Count(0), std::nullopt);
  EXPECT_EQ(Count(5), 5U);
  EXPECT_NE(Count(), 0U);
  EXPECT_EQ(Size(1_KiB), 1_KiB);
  EXPECT_EQ(Time(std::chrono::microseconds(2)), std::chrono::nanoseconds(2000));
  EXPECT_EQ(Size(), std::optional<Bytes>());
  EXPECT_EQ(std::optional<Bytes>(), Size());
  EXPECT_EQ(Size(1_B), std::optional<Bytes>(1_B));
  EXPECT_NE(Size(), std::optional<Bytes>(0_B));
}

TEST(Known, GoesToAnOptionalAndBack) {
  const std::optional<Bytes> none = Size();
  EXPECT_FALSE(none);
  const std::optional<Bytes> some = Size(0_B);
  EXPECT_EQ(some, 0_B);
  EXPECT_FALSE(Size(none));
  EXPECT_EQ(Size(some), 0_B);
}

TEST(Known, NoLimitIsNoLackOfOne) {
  EXPECT_FALSE(SizeLimit());
  const SizeLimit unlimited = Limit<Bytes>();
  ASSERT_TRUE(unlimited);
  EXPECT_TRUE(unlimited->is_unlimited());
  const SizeLimit some = Limit<Bytes>(0_B);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->value(), 0_B);
}

}  // namespace
}  // namespace mete::collectors
