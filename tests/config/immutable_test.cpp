// SPDX-License-Identifier: Apache-2.0
#include "config/model/immutable.h"

#include <gtest/gtest.h>

#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {
namespace {

std::vector<Diagnostic> changed(const std::string& before, const std::string& after) {
  return forbidden_changes(read_documents(before, "a.yaml"), read_documents(after, "b.yaml"));
}

std::string map(const std::string& rest, const std::string& name = "m") {
  return "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}, " + rest + "}\n";
}

TEST(Immutable, DataStaysAndSoDoesTheWord) {
  const std::string fixed = map("immutable: true, data: {a: one}");
  EXPECT_TRUE(changed(fixed, fixed).empty());
  EXPECT_TRUE(changed(map("data: {a: one}"), map("immutable: true, data: {a: two}")).empty());
  EXPECT_TRUE(changed(fixed, "").empty()) << "removed";
  EXPECT_TRUE(changed(fixed, map("data: {a: two}", "other")).empty());
  const auto errors = changed(fixed, map("immutable: true, data: {a: two}"));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(
      to_string(errors[0]),
      "b.yaml:1:1: ConfigMap default/m: data: field is immutable when `immutable` is set; delete the ConfigMap to "
      "make it anew");
  ASSERT_EQ(changed(fixed, map("data: {a: one}")).size(), 1U);
  EXPECT_EQ(changed(fixed, map("data: {a: one}"))[0].field, "immutable");
}

TEST(Immutable, SecretsToo) {
  const std::string secret = "{apiVersion: v1, kind: Secret, metadata: {name: s}, immutable: true, stringData: {a: ";
  EXPECT_TRUE(changed(secret + "x}}\n", secret + "x}}\n").empty());
  EXPECT_EQ(changed(secret + "x}}\n", secret + "y}}\n").size(), 1U);
}

}  // namespace
}  // namespace mete::config
