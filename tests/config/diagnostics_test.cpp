// SPDX-License-Identifier: Apache-2.0
#include "config/model/diagnostics.h"

#include <gtest/gtest.h>

#include "config/model/documents.h"

namespace mete::config {
namespace {

TEST(Nearest, FindsSlipsOfThePenAndNothingElse) {
  const std::vector<std::string_view> known = {"memory", "cpu", "command", "args", "hostPID"};
  EXPECT_EQ(nearest("memroy", known), "memory");
  EXPECT_EQ(nearest("Memory", known), "memory");
  EXPECT_EQ(nearest("comand", known), "command");
  EXPECT_EQ(nearest("hostPid", known), "hostPID");
  EXPECT_EQ(nearest("arg", known), "args");
  EXPECT_EQ(nearest("volumes", known), "");
  EXPECT_EQ(nearest("xyz", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), known), "");
  EXPECT_EQ(nearest("a", {}), "");
}

TEST(OneOf, ReadsAsASentence) {
  EXPECT_EQ(one_of({}), "");
  EXPECT_EQ(one_of({"a"}), "a");
  EXPECT_EQ(one_of({"a", "b"}), "a or b");
  EXPECT_EQ(one_of({"a", "b", "c"}), "a, b or c");
}

TEST(Diagnostic, LeavesOutWhatIsNotKnown) {
  Diagnostic diagnostic;
  diagnostic.message = "wrong";
  EXPECT_EQ(to_string(diagnostic), "<manifest>: wrong");
  diagnostic.location = {"a.yaml", 1, 2};
  diagnostic.object = "Pod default/p";
  diagnostic.field = "spec";
  EXPECT_EQ(to_string(diagnostic), "a.yaml:1:2: Pod default/p: spec: wrong");
}

}  // namespace
}  // namespace mete::config
