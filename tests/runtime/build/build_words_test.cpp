// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>

#include "runtime/build/language/words.h"

namespace mete::testing {
namespace {

using namespace runtime::build;

std::optional<std::string> value(const std::string& name) {
  const std::map<std::string, std::string> values = {
      {"A", "one"}, {"B", "two words"}, {"EMPTY", ""}, {"PATH_", "/usr/local/bin/x.tar.gz"}, {"STAR", "a*b*c"}};
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

TEST(DockerfileWords, VariablesQuotesAndEscapes) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"plain", "plain"},
      {"$A", "one"},
      {"${A}x", "onex"},
      {"$Ax", ""},
      {"$NONE", ""},
      {"\\$A", "$A"},
      {"'$A'", "$A"},
      {"\"$A\"", "one"},
      {"\"\\$A\"", "$A"},
      {"\"a\\\"b\"", "a\"b"},
      {"\"a\\nb\"", "a\\nb"},
      {"a\\nb", "anb"},
      {"'a\\'", "a\\"},
      {"$", "$"},
      {"$$A", "$one"},
      {"$1x", "x"},
      {"a$-b", "a$-b"},
      {"${A:-x}", "one"},
      {"${NONE:-x}", "x"},
      {"${EMPTY:-x}", "x"},
      {"${EMPTY-x}", ""},
      {"${NONE-x}", "x"},
      {"${A:+x}", "x"},
      {"${NONE:+x}", ""},
      {"${EMPTY:+x}", ""},
      {"${EMPTY+x}", "x"},
      {"${NONE:-$A}", "one"},
      {"${NONE:-${NONE:-deep}}", "deep"},
      {"${NONE:-\"}\"}", "}"},
      {"${A:?no}", "one"},
      {"${PATH_#*/}", "usr/local/bin/x.tar.gz"},
      {"${PATH_##*/}", "x.tar.gz"},
      {"${PATH_%.*}", "/usr/local/bin/x.tar"},
      {"${PATH_%%.*}", "/usr/local/bin/x"},
      {"${PATH_%none}", "/usr/local/bin/x.tar.gz"},
      {"${PATH_/bin/lib}", "/usr/local/lib/x.tar.gz"},
      {"${PATH_//[/]/-}", "/usr/local/bin/x.tar.gz"},
      {"${STAR//\\*/-}", "a-b-c"},
      {"${STAR/\\*}", "ab*c"},
      {"${A/?/x}", "xne"},
      {"${A//?/x}", "xxx"},
      {"\"\"", ""},
      {"trailing\\", "trailing"},
  };
  for (const auto& [text, expected] : table) {
    const auto result = expand(text, value, '\\');
    ASSERT_TRUE(result) << text << ": " << result.error().what;
    EXPECT_EQ(*result, expected) << text;
  }
  EXPECT_EQ(expand("C:\\dir`$A", value, '`').value_or(""), "C:\\dir$A");
}

TEST(DockerfileWords, WhatCannotBeReplacedIsSaid) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"${A", "without its end"},
      {"${", "without a name"},
      {"${}", "without a name"},
      {"${A!x}", "expected } or one of"},
      {"${A:xy}", "expected one of :-"},
      {"${NONE:?give it}", "NONE: give it"},
      {"${NONE?}", "NONE: found no value"},
      {"'a", "single quote"},
      {"\"a", "double quote"},
      {"${A#x", "pattern without its end"},
      {"${A:-x", "found the end"},
  };
  for (const auto& [text, says] : table) {
    const auto result = expand(text, value, '\\');
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().what.find(says), std::string::npos) << text << ": " << result.error().what;
  }
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "${NONE:-";
  EXPECT_FALSE(expand(deep, value, '\\'));
  const Lookup bomb = [](const std::string&) { return std::optional(std::string(600'000, 'x')); };
  EXPECT_FALSE(expand("$A$A", bomb, '\\'));
}

TEST(DockerfileWords, HereDocumentsKeepQuotes) {
  EXPECT_EQ(expand_document("a \"$A\" '$A' \\$A \\n", value).value_or(""), "a \"one\" 'one' $A \\n");
}

TEST(DockerfileWords, ListsAreSplitBeforeVariables) {
  EXPECT_EQ(expand_list(" a  $B\tc ", value, '\\').value_or(std::vector<std::string>()),
            (std::vector<std::string>{"a", "two words", "c"}));
}

TEST(DockerfileWords, PairsOfEnvAndLabel) {
  const std::vector<std::pair<const char*, Pairs>> table = {
      {"A=b", {{"A", "b"}}},
      {"A=b C=d", {{"A", "b"}, {"C", "d"}}},
      {"A=\"b c\" D='e f'", {{"A", "\"b c\""}, {"D", "'e f'"}}},
      {"A=b\\ c", {{"A", "b\\ c"}}},
      {"A b c d", {{"A", "b c d"}}},
      {"A  b=c ", {{"A", "b=c"}}},
      {"A=", {{"A", ""}}},
      {"A=b=c", {{"A", "b=c"}}},
  };
  for (const auto& [text, expected] : table) {
    const auto pairs = name_values(text, '\\');
    ASSERT_TRUE(pairs) << text;
    EXPECT_EQ(*pairs, expected) << text;
  }
  for (const char* wrong : {"", "A", "A=b C", "=b"}) EXPECT_FALSE(name_values(wrong, '\\')) << wrong;
}

}  // namespace
}  // namespace mete::testing
