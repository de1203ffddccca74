// SPDX-License-Identifier: Apache-2.0
// What stands in a message about YAML that cannot be parsed: the place of the fault, what is there and what is
// expected.
#include <gtest/gtest.h>

#include "tests/config/support.h"

namespace mete::config {
namespace {

std::string first_error(const std::string& text) {
  const Documents documents = read_documents(text, "f.yaml");
  EXPECT_FALSE(documents.errors.empty()) << text;
  return documents.errors.empty() ? std::string() : to_string(documents.errors.front());
}

TEST(YamlFault, NamesThePlaceAndWhatIsExpectedThere) {
  const std::pair<const char*, const char*> cases[] = {
      {"apiVersion v1\nkind: Pod\n", "f.yaml:1:1: found `apiVersion v1`, expected `:` after `apiVersion`"},
      {"apiVersion:v1\nkind: Pod\n", "f.yaml:1:1: found `apiVersion:v1`, expected a blank after the `:`"},
      {"spec:\n  containers\n  - name: a\n    image: b\n", "f.yaml:2:3: found `containers`, expected `:` after"},
      {"spec:\n  - name: a\n    image:b:1\n    command: [x]\n", "f.yaml:3:5: found `image:b:1`, expected a blank"},
      {"spec:\n- name: a\n   image: b\n", "f.yaml:3:4: found `image` indented by 3, expected 2 as `name` above it"},
      {"a:\n    - name: b\n      x: c\n   volumes: d\n",
       "f.yaml:4:4: found `volumes: d` indented by 3, expected 0, 4 or 6"},
      {"--\nkind: Pod\nspec: a\n", "f.yaml:1:1: found `--`, expected `---` between documents"},
      {"metadata:\n  annotations: a/b: c\n", "f.yaml:2:19: found a second `: ` in `annotations: a/b: c`"},
      {"command: [\"echo \\$A\"]\n", "found `\\$` in double quotes, expected an escape of YAML"},
      {"a:\n  args: -\n    x\n", "expected each item of a list on a line of its own"},
      {"a: [b, c\nd: e\n", "a `[` is opened and never closed"},
      {"a: [b,\nd: e\n", "a `[` is opened and never closed"},
      {"a: {b: c\n", "a `{` is opened and never closed"},
      {"a: b]\nc: ]\n", "that closes nothing"},
      {"a:\n\tb: c\n", "f.yaml:2"},
      {"a: \"b\n", "a quote is opened and never closed"},
      {"a: *b\n", "not valid YAML: "},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_NE(first_error(text).find(expected), std::string::npos) << text << first_error(text);
}

TEST(YamlFault, AtTheEndNoCommaIsMissingBeforeNothing) {
  for (const char* text : {"a: [\n", "a: {\n"}) {
    EXPECT_EQ(first_error(text).find("`,`"), std::string::npos) << first_error(text);
    EXPECT_NE(first_error(text).find("never closed"), std::string::npos) << first_error(text);
  }
}

TEST(YamlFault, OneNameThatIsMissingIsOneError) {
  EXPECT_EQ(read_documents("apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "f").errors.size(), 1U);
  EXPECT_EQ(read_documents("apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {}}\n", "f").errors.size(), 1U);
}

}  // namespace
}  // namespace mete::config
