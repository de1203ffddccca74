// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>

#include "runtime/build/language/word_pattern.h"
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

// All ways to put the words together, the slow and plain way.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  const bool escaped = pattern[0] == '\\' && pattern.size() > 1;
  if (escaped) pattern.remove_prefix(1);
  if (text.empty() || (pattern[0] != text[0] && (escaped || pattern[0] != '?'))) return false;
  return matches(pattern.substr(1), text.substr(1));
}

std::vector<std::string> all_texts(const std::string& characters, std::size_t longest) {
  std::vector<std::string> all = {""};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].size() == longest) break;
    for (const char c : characters) all.push_back(all[i] + c);
  }
  return all;
}

std::string replaced_plainly(std::string_view text, const std::string& pattern, bool all) {
  std::string result;
  for (bool done = false; !text.empty();) {
    std::size_t size = done ? 0 : text.size();
    while (size > 0 && !matches(pattern, text.substr(0, size))) --size;
    result += size == 0 ? text.front() : '-';
    text.remove_prefix(std::max<std::size_t>(size, 1));
    done = done || (size > 0 && !all);
  }
  return result;
}

TEST(DockerfilePatterns, AreThoseThatAllWaysOfMatchingGive) {
  using Part = WordPattern::Part;
  using Times = WordPattern::Times;
  const auto texts = all_texts("ab", 4);
  for (const std::string& pattern : all_texts("ab*?\\", 4)) {
    const WordPattern word(pattern);
    for (const std::string& text : texts) {
      std::string front[2] = {text, text};  // without the shortest, the longest
      std::string back[2] = {text, text};
      for (std::size_t size = text.size() + 1; size-- > 0;) {
        if (matches(pattern, text.substr(0, size))) front[0] = text.substr(size);
        if (matches(pattern, text.substr(text.size() - size))) back[0] = text.substr(0, text.size() - size);
      }
      for (std::size_t size = 0; size <= text.size(); ++size) {
        if (matches(pattern, text.substr(0, size))) front[1] = text.substr(size);
        if (matches(pattern, text.substr(text.size() - size))) back[1] = text.substr(0, text.size() - size);
      }
      EXPECT_EQ(word.without_prefix(text, Part::kShortest), front[0]) << pattern << " " << text;
      EXPECT_EQ(word.without_prefix(text, Part::kLongest), front[1]) << pattern << " " << text;
      EXPECT_EQ(word.without_suffix(text, Part::kShortest), back[0]) << pattern << " " << text;
      EXPECT_EQ(word.without_suffix(text, Part::kLongest), back[1]) << pattern << " " << text;
      EXPECT_EQ(word.replaced(text, "-", Times::kAll, 100), replaced_plainly(text, pattern, true))
          << pattern << " " << text;
      EXPECT_EQ(word.replaced(text, "-", Times::kOnce, 100), replaced_plainly(text, pattern, false))
          << pattern << " " << text;
    }
  }
}

// Each took hours, or all memory there is.
TEST(DockerfilePatterns, LongValuesTakeNoLongerThanTheyAre) {
  constexpr std::size_t kLong = 1'000'000;
  const Lookup lookup = [](const std::string& name) { return std::optional(std::string(kLong, name[0])); };
  EXPECT_EQ(expand("${a//a/b}", lookup, '\\').value_or(""), std::string(kLong, 'b'));
  EXPECT_EQ(expand("${a//*b/c}", lookup, '\\').value_or(""), std::string(kLong, 'a'));
  EXPECT_EQ(expand("${a//a*b/c}", lookup, '\\').value_or(""), std::string(kLong, 'a'));
  EXPECT_EQ(expand("${a##*b}", lookup, '\\').value_or(""), std::string(kLong, 'a'));
  EXPECT_EQ(expand("${a%%b*}", lookup, '\\').value_or(""), std::string(kLong, 'a'));
  EXPECT_EQ(expand("${a%*}", lookup, '\\').value_or(""), std::string(kLong, 'a'));
  const auto refused = [&](const std::string& text) {
    const auto value = expand(text, lookup, '\\');
    return !value && value.error().what.find("found more than 1048576 bytes") != std::string::npos;
  };
  EXPECT_TRUE(refused("${a//a/$b}")) << "a million times a million";
  std::string many = "\"";
  for (std::size_t i = 0; i < kLong; ++i) many += "$a";
  EXPECT_TRUE(refused(many + "\""));
  EXPECT_TRUE(refused("${x#" + many.substr(1) + "}"));
  EXPECT_FALSE(expand_list("$a $a", lookup, '\\')) << "a list of many is no longer than one";
  EXPECT_TRUE(expand_list("$a b", lookup, '\\'));
}

}  // namespace
}  // namespace mete::testing
