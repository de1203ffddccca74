// SPDX-License-Identifier: Apache-2.0
// What completion offers, and what a manual page says, from a small program and from mete-oci's table.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/cli/reference/completion.h"
#include "agent/cli/reference/manual.h"
#include "agent/cli/reference/roff.h"

namespace mete::agent::cli {
namespace {

using Words = std::vector<std::string>;

CommandModel small_program() {
  CommandModel logs;
  logs.name = "logs";
  logs.options = {{.names = {"-c", "--container"}, .value = "CONTAINER"},
                  {.names = {"-f", "--follow"}},
                  {.names = {"-o", "--output"}, .value = "table|json"}};
  logs.words = {{.names = {"pod"}, .value = "POD", .required = true}};
  CommandModel rm;
  rm.name = "rm";
  rm.words = {{.names = {"names"}, .value = "IMAGE", .repeated = true}};
  CommandModel image;
  image.name = "image";
  image.what = "Images";
  image.commands = {rm};
  CommandModel program;
  program.name = "mete";
  program.options = {{.names = {"--run"}, .value = "DIR"}, {.names = {"--label"}, .value = "NAME", .repeated = true}};
  program.commands = {logs, image};
  return program;
}

Completion at(const Words& typed) {
  return complete(small_program(), typed);
}

Words offered(const Words& typed) {
  Words words;
  for (const auto& each : at(typed).candidates) words.push_back(each.word);
  return words;
}

TEST(Completion, CommandsWhereACommandStands) {
  EXPECT_EQ(offered({""}), (Words{"logs", "image"}));
  EXPECT_EQ(offered({"i"}), (Words{"image"}));
  EXPECT_EQ(offered({"--run", "/tmp", "l"}), (Words{"logs"}));
  EXPECT_EQ(offered({"image", ""}), (Words{"rm"}));
  EXPECT_EQ(at({"i"}).candidates.at(0).help, "Images");
}

TEST(Completion, OptionsOfTheCommandAndOfThoseAbove) {
  EXPECT_EQ(offered({"logs", "--"}), (Words{"--container", "--follow", "--output", "--run", "--label"}));
  EXPECT_EQ(offered({"logs", "--fo"}), (Words{"--follow"}));
  // What was given is not offered again, unless it may be.
  EXPECT_EQ(offered({"logs", "-f", "--label", "a", "--"}), (Words{"--container", "--output", "--run", "--label"}));
  EXPECT_EQ(offered({"logs", "--", "--"}), Words());
}

TEST(Completion, ValuesOfOptionsInEveryForm) {
  EXPECT_EQ(offered({"logs", "-o", ""}), (Words{"table", "json"}));
  EXPECT_EQ(offered({"logs", "--output", "j"}), (Words{"json"}));
  EXPECT_EQ(offered({"logs", "--output=j"}), (Words{"--output=json"}));
  EXPECT_EQ(offered({"logs", "-fo", "t"}), (Words{"table"}));
  EXPECT_EQ(at({"logs", "-fc", "x"}).kinds, (Words{"CONTAINER"}));
  const auto prefixed = at({"logs", "--container=x"});
  EXPECT_EQ(prefixed.kinds, (Words{"CONTAINER"}));
  EXPECT_EQ(prefixed.prefix, "--container=");
  EXPECT_EQ(prefixed.begun, "x");
}

TEST(Completion, WordsByTheirPlace) {
  EXPECT_EQ(at({"logs", ""}).kinds, (Words{"POD"}));
  EXPECT_EQ(at({"logs", "-f", "we"}).kinds, (Words{"POD"}));
  EXPECT_EQ(at({"logs", "web", ""}).kinds, Words());  // there is only one
  EXPECT_EQ(at({"image", "rm", "a", ""}).kinds, (Words{"IMAGE"}));
  const auto container = at({"--run=/r", "logs", "web", "-c", ""});
  EXPECT_EQ(container.kinds, (Words{"CONTAINER"}));
  EXPECT_EQ(container.words, (Words{"web"}));
  EXPECT_EQ(container.given.at("--run"), "/r");
}

TEST(Completion, WordsThatAreWrongOfferNothing) {
  EXPECT_EQ(offered({"nothing", ""}), Words());
  EXPECT_EQ(at({"logs", "--nothing="}).candidates.size(), 0U);
  EXPECT_EQ(complete(small_program(), {}).candidates.size(), 0U);
}

Words oci_offered(const Words& typed) {
  Words words;
  for (const auto& each : complete(oci_model(), typed).candidates) words.push_back(each.word);
  return words;
}

TEST(Completion, OfMeteOciFromItsTable) {
  EXPECT_EQ(oci_offered({"--root", "/r", "st"}), (Words{"start", "state"}));
  EXPECT_EQ(oci_offered({"--cgroup-manager", ""}), (Words{"cgroupfs", "systemd", "disabled"}));
  EXPECT_EQ(oci_offered({"list", "-f", ""}), (Words{"table", "json"}));
  const Words kill = {"--root", "/r", "kill", "web", ""};
  EXPECT_EQ(complete(oci_model(), kill).kinds, (Words{"SIGNAL"}));
  EXPECT_EQ(complete(oci_model(), kill).given.at("--root"), "/r");
  const Words exec = {"exec", "web", "ls", "-l", ""};
  EXPECT_EQ(complete(oci_model(), exec).kinds, (Words{"COMMAND"}));
}

void expect_known(const CommandModel& command) {
  for (const auto* list : {&command.options, &command.words}) {
    for (const auto& option : *list) {
      if (option.value.empty() || is_choice(option.value)) continue;
      for (const auto& kind : split_value(option.value))
        EXPECT_NE(find_kind(kind), nullptr) << command.name << " " << option.names.back() << " " << kind;
    }
  }
  for (const auto& each : command.commands) expect_known(each);
}

TEST(Completion, EveryKindOfMeteOciIsInTheTable) {
  expect_known(oci_model());
}

TEST(Completion, ScriptsNameTheProgram) {
  for (const auto shell : kShells) {
    const auto script = completion_script(shell, "mete-oci");
    EXPECT_NE(script.find("mete complete -- mete-oci"), std::string::npos) << script;
    EXPECT_EQ(script.find('@' + std::string("NAME")), std::string::npos);
  }
  EXPECT_EQ(completion_script("csh", "mete"), "");
}

TEST(RoffPage, TextThatLooksLikeARequestIsText) {
  RoffPage page({"a", '1', "b"}, "2026-01-02");
  page.section("S");
  page.paragraph(".so /etc/passwd and `--flag` \\n");
  page.item("'x", "it's");
  EXPECT_NE(page.text().find("\n\\&.so /etc/passwd and \\fB\\-\\-flag\\fR \\en.\n"), std::string::npos) << page.text();
  EXPECT_NE(page.text().find(".TP\n\\fB\\&'x\\fR\nIt's.\n"), std::string::npos) << page.text();
}

TEST(ManualPages, HoldWhatTheTablesHold) {
  const auto pages = manual_pages(small_program(), "2026-01-02");
  ASSERT_EQ(pages.size(), 4U);
  EXPECT_NE(pages[0].text.find(".SS \"mete image rm [IMAGE ...]\""), std::string::npos) << pages[0].text;
  EXPECT_NE(pages[2].text.find("\\-\\-cgroup\\-manager cgroupfs|systemd|disabled"), std::string::npos);
  EXPECT_NE(pages[3].text.find("machine.ioCost[].read.latency"), std::string::npos);
}

}  // namespace
}  // namespace mete::agent::cli
