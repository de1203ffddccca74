// SPDX-License-Identifier: Apache-2.0
#include "agent/base/watch_table.h"

#include <gtest/gtest.h>

#include <string>

namespace mete::agent {
namespace {

using Table = WatchTable<std::string>;

Table::Shared text(const char* text) {
  return std::make_shared<const std::string>(text);
}

TEST(WatchTable, FindsWhatWasSetAndNotErased) {
  Table table;
  EXPECT_EQ(table.find(1), nullptr);
  EXPECT_FALSE(table.erase(1));
  table.set(3, text("three"));
  table.set(1, text("one"));  // numbers may begin anew
  table.set(7, text("seven"));
  EXPECT_EQ(*table.find(1), "one");
  EXPECT_EQ(*table.find(3), "three");
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_TRUE(table.erase(3));
  EXPECT_FALSE(table.erase(3));
  EXPECT_EQ(table.find(3), nullptr);
  EXPECT_EQ(table.size(), 2U);
  table.set(3, text("again"));
  EXPECT_EQ(*table.find(3), "again");
  table.set(3, text("other"));
  EXPECT_EQ(*table.find(3), "other");
  EXPECT_EQ(table.size(), 3U);
}

TEST(WatchTable, KeepsTheRestWhenMostAreErased) {
  Table table;
  constexpr int kMany = 10'000;
  for (int i = 0; i < kMany; ++i) table.set(i, text(std::to_string(i).c_str()));
  for (int i = 0; i < kMany; ++i) {
    if (i % 100 != 0) {
      EXPECT_TRUE(table.erase(i));
    }
  }
  EXPECT_EQ(table.size(), 100U);
  for (int i = 0; i < kMany; ++i) {
    const auto found = table.find(i);
    ASSERT_EQ(found != nullptr, i % 100 == 0) << i;
    if (found) {
      EXPECT_EQ(*found, std::to_string(i));
    }
  }
}

TEST(WatchTable, ValuesAreThoseOfAllNumbersInOrder) {
  Table table;
  const auto shared = text("shared");
  for (const int number : {1, 2, 3}) table.set(number, shared);
  table.set(5, text("five"));
  table.set(4, text("gone"));
  table.erase(4);
  const auto all = table.values();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(*all[0], "shared");
  EXPECT_EQ(*all[1], "five");
}

}  // namespace
}  // namespace mete::agent
