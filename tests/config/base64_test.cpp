// SPDX-License-Identifier: Apache-2.0
#include "config/base/base64.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

TEST(Base64, Decodes) {
  EXPECT_EQ(*decode_base64(""), "");
  EXPECT_EQ(*decode_base64("aGVsbG8="), "hello");
  EXPECT_EQ(*decode_base64("aGVs\n  bG8h"), "hello!");
  EXPECT_EQ(*decode_base64("aA=="), "h");
  EXPECT_EQ(*decode_base64("//8A"), std::string("\xff\xff\0", 3));
}

TEST(Base64, RefusesOtherText) {
  for (const std::string text : {"a", "aGVsbG8", "aGVs*G8=", "a===", "====", "aA==aA==", "aA=a", "aGV-"}) {
    EXPECT_FALSE(decode_base64(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace mete::config
