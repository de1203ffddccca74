// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/yaml_reader.h"

#include "tests/config/support.h"

namespace mete::config {
namespace {

TEST(YamlReader, AnErrorHasFileLineColumnPathAndHint) {
  const auto documents = read_documents(pod_text("    resources:\n      limits:\n        memroy: 64Mi\n"), "web.yaml");
  ASSERT_EQ(documents.errors.size(), 1U);
  const Diagnostic& error = documents.errors[0];
  EXPECT_EQ(to_string(error),
            "web.yaml:10:17: Pod default/p: spec.containers[0].resources.limits.memroy: unknown resource, did you mean "
            "`memory`?");
  EXPECT_EQ(error.suggestion, "memory");
  EXPECT_EQ(error.found, "`memroy`");
}

TEST(YamlReader, AllErrorsOfAllDocumentsAreCollected) {
  const std::string text = pod_text("    a: 1\n    b: 2\n") + "---\n{broken\n---\n" +
                           pod_text("    tty: 3\n", "", "q") + "---\n" + pod_text("", "", "good");
  const auto documents = read_documents(text, "all.yaml");
  ASSERT_EQ(documents.errors.size(), 4U) << joined(documents.errors);
  EXPECT_EQ(documents.errors[0].location.line, 8);
  EXPECT_EQ(documents.errors[1].location.line, 9);
  EXPECT_NE(documents.errors[2].message.find("never closed"), std::string::npos);
  EXPECT_EQ(documents.errors[3].location.line, 20);
  ASSERT_EQ(documents.pods.size(), 1U);
  EXPECT_EQ(documents.pods[0].metadata.name, "good");
}

TEST(YamlReader, LinesStartWhereTheTextStarts) {
  const auto documents = read_documents("\nkind: Nothing\n", "f", 100);
  ASSERT_EQ(documents.errors.size(), 1U);
  EXPECT_EQ(documents.errors[0].location.line, 101);
}

TEST(YamlReader, Kinds) {
  const auto has_error = [](const std::string& text, std::string_view field, std::string_view part) {
    return has(read_documents(text, "").errors, field, part);
  };
  EXPECT_TRUE(has_error("kind: Gadget\napiVersion: apps/v1\n", "kind", "RuntimeClass or List"));
  EXPECT_TRUE(has_error("kind: pod\napiVersion: v1\n", "kind", "did you mean `Pod`?"));
  EXPECT_TRUE(has_error("apiVersion: v1\n", "", "`kind` is missing"));
  EXPECT_TRUE(has_error("kind: [Pod]\n", "", "`kind` is missing"));
  EXPECT_TRUE(has_error("kind: Pod\napiVersion: v2\n", "apiVersion", "expected \"v1\""));
  EXPECT_TRUE(has_error("kind: Policy\napiVersion: v1\n", "apiVersion", "expected \"mete/v1\""));
  EXPECT_TRUE(has_error("hello\n", "", "expected a mapping"));
  EXPECT_TRUE(has_error("- kind: Pod\n", "", "expected a mapping"));
  EXPECT_TRUE(has_error("kind: List\napiVersion: v1\n", "", "needs `items`"));
  const auto claim = read_documents("kind: PersistentVolumeClaim\napiVersion: v1\nmetadata: {name: a}\n", "");
  EXPECT_TRUE(claim.ok());
  EXPECT_TRUE(claim.warnings.empty()) << "a pod that names the claim makes it";
}

TEST(YamlReader, Lists) {
  const auto documents = read_documents(
      "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
      "- {apiVersion: v1, kind: List, items: []}\n",
      "");
  EXPECT_EQ(documents.config_maps.size(), 1U);
  EXPECT_TRUE(has(documents.errors, "items[1].kind", "kind \"List\"")) << joined(documents.errors);
}

TEST(YamlReader, NothingIsNothing) {
  for (const std::string text : {"", "\n", "# only words\n", "---\n", "---\n---\n...\n", "null\n", "\xEF\xBB\xBF"}) {
    const auto documents = read_documents(text, "");
    EXPECT_TRUE(documents.ok()) << text << joined(documents.errors);
    EXPECT_TRUE(documents.pods.empty());
  }
}

TEST(YamlReader, HostileTextIsOneClearError) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  std::string deep_by_alias = "a: &a0 " + std::string(40, '[') + std::string(40, ']') + "\n";
  deep_by_alias += "b: " + std::string(40, '[') + "*a0" + std::string(40, ']') + "\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {std::string(50U << 20U, ' '), "expected at most 8388608"},
      {std::string("kind: \0Pod", 10), "0x00"},
      {"kind: \x1b[31m", "0x1b"},
      {"kind: \xff\xfe", "not UTF-8"},
      {"kind: \xc0\x80", "not UTF-8"},
      {"kind: \xed\xa0\x80", "not UTF-8"},
      {"kind: \xe2\x82", "not UTF-8"},
      {"kind: Pod\nspec:\n\tcontainers: []\n", "a tab in the indentation"},
      {"kind: Pod\nspec: {containers: [", "never closed"},
      {"kind: \"Pod\n", "never closed"},
      {"kind: 'Pod", "never closed"},
      {"kind: \"Pod\\\"", "never closed"},
      {"kind: Pod\n  spec: x\n bad\n", "found `spec` indented by 2, expected 0 as `kind` above it"},
      {"? [a, b]\n: c\n", "name must be text"},
      {"a: *nowhere\n", "not valid YAML"},
      {"a: &a [*a]\n", "inside what it refers to"},
      {"<<: 5\nkind: Pod\n", "merges mappings"},
      {bomb, "too large"},
      {deep_by_alias, "nested too deeply"},
      {std::string(100'000, '['), "nested too deeply"},
      {std::string(100'000, '{'), "nested too deeply"},
      {[] {
         std::string text;
         for (int i = 0; i < 50'000; ++i) text += "- ";
         return text;
       }(),
       "nested too deeply"},
      {[] {
         std::string text;
         for (int i = 0; i < 60'000; ++i) text += "- a\n- b\n";
         return text;
       }(),
       "too large"},
  };
  for (const auto& [text, part] : cases) {
    const auto documents = read_documents(text, "f");
    ASSERT_EQ(documents.errors.size(), 1U) << text.substr(0, 60) << joined(documents.errors);
    EXPECT_NE(documents.errors[0].message.find(part), std::string::npos) << joined(documents.errors);
    EXPECT_GT(documents.errors[0].location.line, 0);
  }
}

TEST(YamlReader, TheEndOfBlockTextIsKept) {
  const auto read = [](const std::string& text) {
    const auto documents =
        read_documents("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: " + text, "");
    EXPECT_TRUE(documents.ok()) << joined(documents.errors);
    return documents.config_maps.at(0).data.at("a");
  };
  EXPECT_EQ(read("|\n    x\n"), "x\n");
  EXPECT_EQ(read("|-\n    x\n"), "x");
  EXPECT_EQ(read("|+\n    x\n\n"), "x\n\n");
  EXPECT_EQ(read("|\n    x\n    ...\n"), "x\n...\n");
}

TEST(YamlReader, AnchorsAndMergeKeysWork) {
  const auto documents = read_documents(
      pod_text("    resources:\n      requests: &small {cpu: 100m}\n      limits: {<<: *small, memory: 8Mi}\n"), "");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_EQ(documents.pods[0].spec.containers[0].resources.limits.cpu, MilliCpu(100));
}

TEST(YamlReader, OfDoubledKeysTheLastCountsAsForKubectl) {
  const auto documents = read_documents(
      pod_text("    livenessProbe: {exec: {command: [a], command: [b],\n      command: [c]}}\n    image: last\n"),
      "p.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  const auto& container = documents.pods.at(0).spec.containers.at(0);
  EXPECT_EQ(container.liveness->action, ProbeAction(ExecAction{{"c"}}));
  EXPECT_EQ(container.image, "last");
  // One for each that does not count, with both places.
  EXPECT_EQ(lines(documents.warnings),
            (std::vector<std::string>{
                "p.yaml:10:5: Pod default/p: spec.containers[0].image: stands twice in the same mapping: this one "
                "counts, and not the one at 7:5",
                "p.yaml:8:42: Pod default/p: spec.containers[0].livenessProbe.exec.command: stands twice in the same "
                "mapping: this one counts, and not the one at 8:28",
                "p.yaml:9:7: Pod default/p: spec.containers[0].livenessProbe.exec.command: stands twice in the same "
                "mapping: this one counts, and not the one at 8:42"}));
}

TEST(YamlReader, TwoObjectsOfAListMayHaveDoubledKeysToo) {
  const auto documents = read_documents(
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a, name: b}\n", "");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_EQ(documents.config_maps.at(0).metadata.name, "b");
  EXPECT_TRUE(has(documents.warnings, "items[0].metadata.name", "not the one at 6:14")) << joined(documents.warnings);
}

TEST(YamlReader, DataObjects) {
  const auto documents = read_documents(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: text}, binaryData: {b: AAEC}}\n---\n"
      "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: aGk=, l: aGk=}, stringData: {l: plain}}\n",
      "");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_EQ(documents.config_maps[0].binary_data.at("b"), std::string("\0\1\2", 3));
  EXPECT_EQ(documents.secrets[0].data, (std::map<std::string, std::string>{{"k", "hi"}, {"l", "plain"}}));
  const auto wrong = read_documents(
      "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: hunter2!, ../x: aGk=}}\n---\n"
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: s}, data: {k: 1, l: x}, binaryData: {l: aGk=}}\n",
      "");
  EXPECT_TRUE(has(wrong.errors, "data.k", "expected base64")) << joined(wrong.errors);
  EXPECT_TRUE(has(wrong.errors, "data['../x']", "expected at most 253"));
  EXPECT_TRUE(has(wrong.errors, "data.k", "quote it"));
  EXPECT_TRUE(has(wrong.errors, "binaryData.l", "stands in `data` too"));
  EXPECT_EQ(joined(wrong.errors).find("hunter2"), std::string::npos) << "a secret must not get into messages";
}

TEST(YamlReader, ExamplesAreRight) {
  for (const std::string name : {"web", "throttled", "oom", "policy"}) {
    const auto documents = read_documents(read_source("config/examples/" + name + ".yaml"), name + ".yaml");
    EXPECT_TRUE(documents.ok()) << joined(documents.errors);
    EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  }
}

}  // namespace
}  // namespace mete::config
