// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/env_file.h"

#include <gtest/gtest.h>

#include "config/model/runtime_values.h"

namespace mete::config {
namespace {

std::string value_in(std::string_view text, std::string_view key) {
  const auto value = env_file_value(text, key);
  if (!value) return "error: " + value.error().what;
  return value->value_or("none");
}

TEST(EnvFile, LinesAreKeysAndValues) {
  constexpr const char* kText =
      "# comment\n"
      "\n"
      "A=one\n"
      "  B =  two words \r\n"
      "A=second\n"
      "EMPTY=\n"
      "HASH=a # b\n"
      "Q='it is = \"so\" '\n"
      "MORE='first\n"
      "# second'\n"
      "LAST=end";
  EXPECT_EQ(value_in(kText, "A"), "one");
  EXPECT_EQ(value_in(kText, "B"), "two words");
  EXPECT_EQ(value_in(kText, "EMPTY"), "");
  EXPECT_EQ(value_in(kText, "HASH"), "a # b");
  EXPECT_EQ(value_in(kText, "Q"), "it is = \"so\" ");
  EXPECT_EQ(value_in(kText, "MORE"), "first\n# second");
  EXPECT_EQ(value_in(kText, "LAST"), "end");
  EXPECT_EQ(value_in(kText, "C"), "none");
  EXPECT_EQ(value_in("", "C"), "none");
}

TEST(EnvFile, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_EQ(value_in("A=b\nnonsense\n", "C"), "error: line 2: found no `=`, expected KEY=VALUE");
  EXPECT_EQ(value_in("A='b\nc\n", "A"), "error: line 1: a quote is opened and never closed");
  EXPECT_EQ(value_in("A='b' c\n", "A"), "error: line 1: found text after the closing quote, expected none");
  EXPECT_NE(value_in("=b\n", "A").find("line 1: expected a key"), std::string::npos);
  EXPECT_NE(value_in(std::string(129, 'k') + "=b\n", "A").find("at most"), 0U);
  EXPECT_NE(value_in("A=" + std::string(kLongestFileValue + 1, 'v'), "A").find("32 KiB"), std::string::npos);
  EXPECT_NE(value_in(std::string(kLargestEnvFile + 1, '\n'), "A").find("at most 65536"), std::string::npos);
  EXPECT_NE(value_in(std::string("A=b\0c\n", 6), "A").find("NUL"), std::string::npos);
}

Result<ContainerPlan> plan_with(const FileKeyRef& ref, std::optional<std::string> value) {
  ContainerPlan plan;
  const std::string mark = file_value_mark(ref);
  plan.env = {{"A", mark}, {"B", "<" + mark + runtime_value("other") + ">"}, {"C", "c"}};
  plan.args = {"x", mark};
  return with_file_values(plan, [&](const FileKeyRef& asked) -> Result<std::optional<std::string>> {
    EXPECT_EQ(asked, ref);
    return value;
  });
}

TEST(EnvFile, MarksAreFilledAndOthersStay) {
  const auto plan = plan_with({"vol", "a/b=c", "KEY", false}, "v");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->env, (std::vector<EnvValue>{{"A", "v"}, {"B", "<v" + runtime_value("other") + ">"}, {"C", "c"}}));
  EXPECT_EQ(plan->args, (std::vector<std::string>{"x", "v"}));
}

TEST(EnvFile, AMissingKeyLeavesTheVariableOutOrIsAnError) {
  const auto plan = plan_with({"vol", "f", "KEY", true}, std::nullopt);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->env, (std::vector<EnvValue>{{"B", "<" + runtime_value("other") + ">"}, {"C", "c"}}));
  const auto refused = plan_with({"vol", "f", "KEY", false}, std::nullopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "fileKeyRef: key \"KEY\" not found in file \"f\" of volume \"vol\"");
}

}  // namespace
}  // namespace mete::config
