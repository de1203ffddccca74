// SPDX-License-Identifier: Apache-2.0
// --format: the part of Go's templates that docker's users know.
#include "agent/cli/template/go_template.h"

#include <gtest/gtest.h>

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

const Json kValue = {{"Id", "x"},
                     {"Empty", ""},
                     {"Nothing", nullptr},
                     {"Config", {{"Cmd", {"a", "b"}}, {"Labels", {{"k", "v"}, {"a", "1"}}}, {"N", 7}, {"T", true}}},
                     {"Ports", {{"80/tcp", {{{"HostIp", "0.0.0.0"}, {"HostPort", "8080"}}}}, {"81/udp", nullptr}}}};

std::string filled(const std::string& text, const Json& value = kValue) {
  const auto made = GoTemplate::parse(text);
  if (!made) return made.error().what;
  const auto out = made->fill(value);
  return out ? *out : out.error().what;
}

TEST(GoTemplates, FieldsAndJson) {
  EXPECT_EQ(filled("{{.Id}}"), "x");
  EXPECT_EQ(filled("<{{ .Id }}>\\t{{.Config.Cmd}}\\n"), "<x>\t[a b]\n");
  EXPECT_EQ(filled("{{.Config.Labels}} {{.Config.N}} {{.Config.T}}"), "map[a:1 k:v] 7 true");
  EXPECT_EQ(filled("{{json .Config.Cmd}} {{json .Id}}"), R"(["a","b"] "x")");
  EXPECT_EQ(filled("{{json .}}"), kValue.dump());
  EXPECT_EQ(filled("plain"), "plain");
}

TEST(GoTemplates, FunctionsAndPipes) {
  EXPECT_EQ(filled(R"({{index .Config.Labels "k"}}{{index .Config.Labels "none"}}|{{index .Config.Cmd 1}})"), "v|b");
  EXPECT_EQ(filled(R"({{(index (index .Ports "80/tcp") 0).HostPort}})"), "8080");
  EXPECT_EQ(filled(R"({{join .Config.Cmd ", "}} {{.Id | upper}} {{split "a/b" "/"}})"), "a, b X [a b]");
  EXPECT_EQ(filled(R"({{.Id | printf "%-4s|%q|%d%%" "in"}})"),
            "--format: printf: expected a value for each of its %s, "
            "%v, %d, %t and %q");
  EXPECT_EQ(filled(R"({{printf "%-4s|%3d|%q" "in" .Config.N .Id}})"), R"(in  |  7|"x")");
  EXPECT_EQ(filled(R"({{len .Config.Cmd}} {{title "ab cd"}} {{truncate "abcdef" 3}} {{println 1 2}})"),
            "2 Ab Cd abc 1 2\n");
  EXPECT_EQ(filled(R"({{eq .Config.N 7}} {{ne .Id "x"}} {{lt 1 2}} {{and true .Empty}}{{or .Empty "or"}} {{not 0}})"),
            "true false true or true");
  EXPECT_EQ(filled(R"({{.Config.Labels "a"}})"), "1");
}

TEST(GoTemplates, Blocks) {
  EXPECT_EQ(filled("{{range .Config.Cmd}}<{{.}}>{{end}}"), "<a><b>");
  EXPECT_EQ(filled("{{range $i, $each := .Config.Cmd}}{{$i}}={{$each}} {{$.Id}};{{end}}"), "0=a x;1=b x;");
  EXPECT_EQ(filled("{{range $p, $b := .Ports}}{{$p}}{{range $b}}->{{.HostPort}}{{else}} none{{end}} {{end}}"),
            "80/tcp->8080 81/udp none ");
  EXPECT_EQ(filled("{{if .Empty}}a{{else if .Nothing}}b{{else}}c{{end}}"), "c");
  EXPECT_EQ(filled("{{if eq .Id \"x\"}}yes{{end}}{{with .Config}}{{.N}}{{end}}"), "yes7");
  EXPECT_EQ(filled("{{$n := .Config.N}}{{range .Config.Cmd}}{{$n}}{{end}}"), "77");
  EXPECT_EQ(filled("a {{- /* said */ -}} b {{- .Id }}"), "abx");
}

TEST(GoTemplates, WhatIsWrongIsTold) {
  for (const char* bad : {"{{.Id", "{{range .}}", "{{if .Id}}", "{{end}}", "{{else}}", "{{}}", "{{..Id}}", "{{.Id &}}",
                          "{{(.Id}}", "{{\"a}}", "{{.Id | }}"})
    EXPECT_TRUE(filled(bad).starts_with("--format: found {{")) << bad << ": " << filled(bad);
  EXPECT_NE(filled("{{.Missing}}").find("found the field .Missing"), std::string::npos);
  EXPECT_NE(filled("{{nosuch .Id}}").find("the function nosuch"), std::string::npos);
  EXPECT_NE(filled("{{$x}}").find("the variable $x"), std::string::npos);
  EXPECT_NE(filled("{{index .Config.Cmd 9}}").find("below 2"), std::string::npos);
  EXPECT_NE(filled("{{range .Id}}{{end}}").find("over one value"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{{if true}}";
  EXPECT_NE(filled(deep).find("32 blocks"), std::string::npos);
  EXPECT_TRUE(filled("{{" + std::string(100, '(') + ".Id" + std::string(100, ')') + "}}").starts_with("--format:"));
}

}  // namespace
}  // namespace mete::agent::cli
