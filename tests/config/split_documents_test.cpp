// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {
namespace {

TEST(SplitDocuments, KeepsLineNumbers) {
  const auto documents =
      split_documents("# head\n---\na: 1\n---\n# nothing\n---   # why\nb: 2\n...\nc: 3\n--- {d: 4}\n---");
  ASSERT_EQ(documents.size(), 4U);
  EXPECT_EQ(documents[0].text, "a: 1\n");
  EXPECT_EQ(documents[0].first_line, 3);
  EXPECT_EQ(documents[1].text, "b: 2\n");
  EXPECT_EQ(documents[1].first_line, 7);
  EXPECT_EQ(documents[2].text, "c: 3\n");
  EXPECT_EQ(documents[2].first_line, 9);
  EXPECT_EQ(documents[3].text, "--- {d: 4}\n");
  EXPECT_EQ(documents[3].first_line, 10);
}

TEST(SplitDocuments, OnlyMarkersCut) {
  EXPECT_EQ(split_documents("a: |\n  ---\n  b\n----: x\n").size(), 1U);
  EXPECT_EQ(split_documents("a: 1\r\n---\r\nb: 2\r\n").size(), 2U);
  EXPECT_TRUE(split_documents("").empty());
}

}  // namespace
}  // namespace mete::config
