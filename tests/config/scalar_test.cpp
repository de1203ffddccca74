// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/scalar.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace mete::config {
namespace {

YamlNode plain(std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.plain = true;
  node.text = std::move(text);
  return node;
}

TEST(Scalar, TypesAreThoseOfKubectl) {
  const std::vector<std::pair<std::string, ScalarType>> cases = {
      {"", ScalarType::kNull},        {"~", ScalarType::kNull},        {"null", ScalarType::kNull},
      {"true", ScalarType::kBool},    {"yes", ScalarType::kBool},      {"Off", ScalarType::kBool},
      {"1", ScalarType::kInteger},    {"-1", ScalarType::kInteger},    {"0644", ScalarType::kInteger},
      {"0x1F", ScalarType::kInteger}, {"0o17", ScalarType::kInteger},  {"1_000", ScalarType::kInteger},
      {"1.5", ScalarType::kFloat},    {"1e3", ScalarType::kFloat},     {".5", ScalarType::kFloat},
      {".inf", ScalarType::kFloat},   {"089", ScalarType::kFloat},     {"1.2.3", ScalarType::kString},
      {"10m", ScalarType::kString},   {"truely", ScalarType::kString}, {"-", ScalarType::kString},
      {"e3", ScalarType::kString},    {".", ScalarType::kString},      {"0x", ScalarType::kString},
      {"1:30", ScalarType::kString},  {"_1", ScalarType::kString},
  };
  for (const auto& [text, type] : cases) EXPECT_EQ(scalar_type(plain(text)), type) << text;
  YamlNode quoted = plain("1");
  quoted.plain = false;
  EXPECT_EQ(scalar_type(quoted), ScalarType::kString);
}

TEST(Scalar, Integers) {
  EXPECT_EQ(as_integer(plain("0644")), 0644);
  EXPECT_EQ(as_integer(plain("0x1F")), 31);
  EXPECT_EQ(as_integer(plain("-12")), -12);
  EXPECT_EQ(as_integer(plain("+12")), 12);
  EXPECT_EQ(as_integer(plain("0b101")), 5);
  EXPECT_EQ(as_integer(plain("99999999999999999999")), std::nullopt);
  EXPECT_EQ(as_integer(plain("1.0")), std::nullopt);
}

TEST(Scalar, LongTextIsCutBetweenCharacters) {
  YamlNode node = plain(std::string(59, 'a') + "\xc3\xa4\xc3\xa4");
  EXPECT_EQ(describe(node), "\"" + std::string(59, 'a') + "\xc3\xa4...\"");
}

}  // namespace
}  // namespace mete::config
