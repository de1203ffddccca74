// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/build/language/ignore.h"

namespace mete::testing {
namespace {

using namespace runtime::build;

TEST(PathPatterns, AsGoMatchesThem) {
  struct Row {
    const char* pattern;
    const char* path;
    bool matches;
  };
  const std::vector<Row> table = {
      {"abc", "abc", true},
      {"*", "abc", true},
      {"*c", "abc", true},
      {"a*", "a", true},
      {"a*", "ab/c", false},
      {"a*/b", "abc/b", true},
      {"a*/b", "a/c/b", false},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"ab[c]", "abc", true},
      {"ab[b-d]", "abc", true},
      {"ab[e-g]", "abc", false},
      {"ab[^c]", "abc", false},
      {"ab[^e-g]", "abc", true},
      {"a\\*b", "a*b", true},
      {"a\\*b", "ab", false},
      {"[\\]a]", "]", true},
      {"[\\-]", "-", true},
      {"*x", "xxx", true},
      {"a?b",
       "a\xe2\x98\xba"
       "b",
       true},
      {"[a-\xce\xb6]*", "\xce\xb1", true},
      {"", "", true},
      {"", "a", false},
  };
  for (const Row& row : table) {
    const auto pattern = PathPattern::compile(row.pattern, DoubleStar::kNo);
    ASSERT_TRUE(pattern) << row.pattern;
    EXPECT_EQ(pattern->matches(row.path), row.matches) << row.pattern << " " << row.path;
  }
  for (const char* wrong : {"[", "[]", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "a[", "[^", "[^bc", "a\\"})
    EXPECT_FALSE(PathPattern::compile(wrong, DoubleStar::kNo)) << wrong;
}

TEST(PathPatterns, AreLinearInTheirText) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "**/a*";
  const auto compiled = PathPattern::compile(pattern, DoubleStar::kYes);
  ASSERT_TRUE(compiled);
  EXPECT_FALSE(compiled->matches(std::string(2000, 'a') + "/b"));
}

TEST(DockerIgnore, DecidesByTheLastLine) {
  struct Row {
    const char* rules;
    const char* path;
    bool ignored;
  };
  const std::vector<Row> table = {
      {"a", "a", true},
      {"a", "a/b/c", true},
      {"a", "b/a", false},
      {"/a", "a", true},
      {"./a/", "a", true},
      {"a/../b", "b", true},
      {"*", "a", true},
      {"*", "a/b", true},
      {"*.md", "a.md", true},
      {"*.md", "b/a.md", false},
      {"**/*.md", "a.md", true},
      {"**/*.md", "b/c/a.md", true},
      {"**", "a/b", true},
      {"a/**", "a/b/c", true},
      {"a/**", "a", false},
      {"**/a/**", "x/a/y", true},
      {"a**b", "a/x/b", true},
      {"*.md\n!keep.md", "keep.md", false},
      {"*.md\n!keep.md", "other.md", true},
      {"!keep.md\n*.md", "keep.md", true},
      {"a\n!a/b", "a/b/c", false},
      {"a\n!a/b\na/b/c", "a/b/c", true},
      {"# a\nb", "a", false},
      {"# a\nb", "# a", false},
      {" a ", "a", true},
      {"\n\n", "a", false},
      {"\xef\xbb\xbf"
       "a",
       "a", true},
      {"a?b", "axb", true},
      {"[ab]x", "bx", true},
      {"\\#a", "#a", true},
      {"! a\n", "a", false},
  };
  for (const Row& row : table) {
    const auto rules = IgnoreRules::parse(row.rules);
    ASSERT_TRUE(rules) << row.rules;
    EXPECT_EQ(rules->ignores(row.path), row.ignored) << row.rules << ": " << row.path;
  }
  EXPECT_FALSE(IgnoreRules::parse("a\n!"));
  EXPECT_FALSE(IgnoreRules::parse("[a"));
  EXPECT_TRUE(IgnoreRules::parse("a\n!b")->has_exceptions());
}

TEST(DockerIgnore, PathsAreCleanedAsGoDoes) {
  for (const auto& [path, expected] : std::vector<std::pair<const char*, const char*>>{{"", "."},
                                                                                       {"a//b", "a/b"},
                                                                                       {"./a", "a"},
                                                                                       {"a/.", "a"},
                                                                                       {"a/..", "."},
                                                                                       {"../a", "../a"},
                                                                                       {"/..", "/"},
                                                                                       {"/a/../b", "/b"},
                                                                                       {"a/b/../..", "."},
                                                                                       {"/", "/"},
                                                                                       {"a/", "a"},
                                                                                       {"../../a", "../../a"}})
    EXPECT_EQ(clean_path(path), expected) << path;
}

}  // namespace
}  // namespace mete::testing
