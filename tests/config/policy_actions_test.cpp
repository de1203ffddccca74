// SPDX-License-Identifier: Apache-2.0
// The tables of actions in docs/policies.md are those that the reader uses. After a change of
// config/model/policy_actions.h:
//   METE_UPDATE_DOCS=1 build/dev/bin/config_test --gtest_filter='PolicyActions.*'
#include "config/model/policy_actions.h"

#include "tests/config/support.h"
#include "tests/support/generated_text.h"

namespace mete::config {
namespace {

TEST(PolicyActions, DocsAreCurrent) {
  using tests::expect_section;
  expect_section("docs/policies.md", "memory.at[].do, from config/model/policy_actions.h", threshold_actions_table());
  expect_section("docs/policies.md", "memory.onOOM, from config/model/policy_actions.h", oom_actions_table());
}

// The reader asks for the fields that an action needs beside `do`, by name.
TEST(PolicyActions, FieldsThatAreNeededAreMissed) {
  for (const auto& row : kPolicyActions) {
    if (!row.at) continue;
    const auto documents = read_documents(
        "apiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  selector: {matchLabels: {a: b}}\n"
        "  memory: {at: [{usage: 80%, do: " +
            std::string(row.name) + "}], raise: {by: 10%}}\n",
        "");
    for (const auto field : row.needs) {
      if (field.empty()) continue;
      EXPECT_TRUE(has(documents.errors, "spec.memory.at[0]", "`" + std::string(field) + "` is missing")) << row.name;
    }
    EXPECT_EQ(documents.ok(), row.needs[0].empty()) << row.name << joined(documents.errors);
  }
}

// `pressure` and `thrashing` have no further fields.
TEST(PolicyActions, LoneOnesNeedNothing) {
  for (const auto& row : kPolicyActions) {
    EXPECT_TRUE(!row.alone || (row.at && row.needs[0].empty())) << row.name;
    EXPECT_EQ(row.does.empty(), !row.at) << row.name;
    EXPECT_EQ(row.does_on_oom.empty(), !row.on_oom) << row.name;
  }
}

}  // namespace
}  // namespace mete::config
