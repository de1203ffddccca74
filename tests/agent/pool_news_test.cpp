// SPDX-License-Identifier: Apache-2.0
// What is told of a thin pool.
#include <gtest/gtest.h>

#include "agent/machine/pool_watch.h"

namespace mete::agent {
namespace {

runtime::storage::PoolUse use_of(std::int64_t data, std::int64_t metadata, const std::string& fault = "") {
  return {"mete-1-pool", Bytes(64 << 10), Bytes(data), Bytes(1'000'000), Bytes(metadata), Bytes(1'000'000), fault};
}

TEST(PoolNews, NineTenthsOfEitherAreLow) {
  EXPECT_EQ(news_of(use_of(0, 0)).state, PoolState::kRoom);
  EXPECT_EQ(news_of(use_of(890'000, 890'000)).state, PoolState::kRoom);
  EXPECT_EQ(news_of(use_of(910'000, 0)).state, PoolState::kLow);
  const auto low = news_of(use_of(0, 910'000));
  EXPECT_EQ(low.state, PoolState::kLow);
  EXPECT_EQ(low.message, "thin pool mete-1-pool: 0 % of its data and 90 % of its metadata are used");
}

TEST(PoolNews, AFaultIsFullWhateverIsFree) {
  const auto full = news_of(use_of(1, 1, "its data is full"));
  EXPECT_EQ(full.state, PoolState::kFull);
  EXPECT_EQ(full.message,
            "thin pool mete-1-pool: its data is full; 0 % of its data and 0 % of its metadata are used: writes of "
            "containers fail");
}

}  // namespace
}  // namespace mete::agent
