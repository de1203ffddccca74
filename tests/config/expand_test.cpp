// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/expand.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

struct Expansion {
  std::string_view text;
  std::string_view expected;
};

class Expand : public testing::TestWithParam<Expansion> {};

TEST_P(Expand, AsKubernetesDoes) {
  const auto lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "A") return "a";
    if (name == "B") return "$(A)";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  EXPECT_EQ(expand(GetParam().text, lookup), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(All, Expand,
                         testing::Values(Expansion{"", ""}, Expansion{"plain", "plain"}, Expansion{"$(A)", "a"},
                                         Expansion{"x$(A)y$(A)", "xaya"}, Expansion{"$(B)", "$(A)"},
                                         Expansion{"$(EMPTY)", ""}, Expansion{"$(NONE)", "$(NONE)"},
                                         Expansion{"$$(A)", "$(A)"}, Expansion{"$$$(A)", "$a"},
                                         Expansion{"$$$$(A)", "$$(A)"}, Expansion{"$A", "$A"}, Expansion{"$", "$"},
                                         Expansion{"$$", "$"}, Expansion{"$(A", "$(A"}, Expansion{"$(", "$("},
                                         Expansion{"${A}", "${A}"}, Expansion{"$()", "$()"}, Expansion{"$(A)$", "a$"},
                                         Expansion{"$(A $(A)", "$(A $(A)"}));

TEST(Escaped, ExpandGivesTheTextBack) {
  EXPECT_EQ(escaped("$(A)"), "$$(A)");
  EXPECT_EQ(escaped("a$b ${A} $"), "a$b ${A} $") << "what is no reference stays as it is";
  const auto lookup = [](std::string_view) -> std::optional<std::string> { return "replaced"; };
  for (const std::string_view text :
       {"", "$", "$$", "$$$", "a$$b", "$(A)", "$$(A)", "$$$(A)", "$(A", "x$$", "$$$$(A)$"})
    EXPECT_EQ(expand(escaped(text), lookup), text);
}

}  // namespace
}  // namespace mete::config
