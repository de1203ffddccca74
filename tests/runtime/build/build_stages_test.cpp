// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/build/language/scope.h"
#include "runtime/build/run_plan.h"
#include "runtime/build/settings_step.h"

namespace mete::testing {
namespace {

using namespace runtime::build;

Dockerfile parsed(const std::string& text) {
  auto file = parse_dockerfile("Dockerfile", text);
  EXPECT_TRUE(file) << file.error().what;
  return std::move(*file);
}

Result<Stages> stages_of(const std::string& text, const Arguments& given = {}) {
  return split_stages(parsed(text), given, platform_arguments("amd64"));
}

// Carries all settings of a one-stage Dockerfile out.
Result<ImageSettings> settings_of_text(const std::string& text, ImageSettings settings = {}) {
  const Dockerfile file = parsed(text);
  bool cmd_set = false;
  for (const Instruction& at : file.instructions) {
    const ImageSettings before = settings;
    const StepContext context{file.source, file.escape,
                              [&](const std::string& name) { return variable_of(before.env, name); }, cmd_set};
    METE_TRY([[maybe_unused]] const std::string shown, apply_to_settings(at, context, settings));
    cmd_set = cmd_set || at.keyword == "CMD";
  }
  return settings;
}

TEST(DockerfileStages, AreSplitAndNamed) {
  const auto stages =
      stages_of("ARG V=1\nFROM a:$V AS One\nRUN x\nFROM scratch\nCOPY --from=one /a /b\nFROM one AS two");
  ASSERT_TRUE(stages) << stages.error().what;
  ASSERT_EQ(stages->all.size(), 3U);
  EXPECT_EQ(stages->all[0].base, "a:1");
  EXPECT_EQ(stages->all[0].name, "one");
  EXPECT_EQ(stages->all[1].needs, (std::vector<std::size_t>{0}));
  EXPECT_EQ(stages->all[2].parent, 0U);
  EXPECT_EQ(*needed_stages(*stages, ""), (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(*needed_stages(*stages, "1"), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(*needed_stages(*stages, "ONE"), (std::vector<std::size_t>{0}));
  EXPECT_FALSE(needed_stages(*stages, "three"));
  EXPECT_EQ(stages_of("ARG V=1\nFROM a:$V", {{"V", "2"}})->all[0].base, "a:2");
  EXPECT_EQ(stages_of("FROM --platform=$TARGETPLATFORM a")->all[0].platform, "linux/amd64");
}

TEST(DockerfileStages, RefuseWhatCannotBe) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"RUN a\nFROM b", "before any FROM"},
      {"ARG A", "found no FROM"},
      {"FROM a AS 1b", "expected a letter"},
      {"FROM a AS b\nFROM c AS B", "a second stage"},
      {"FROM a b c", "expected an image, and AS"},
      {"FROM --flag a", "found the flag --flag"},
      {"FROM $NONE", "an empty name"},
      {"FROM a\nCOPY --from=$x a b", "found a variable in from="},
      {"FROM a\nCOPY --from=1 a b", "found no stage 1 before"},
      {"FROM a\nRUN --mount=type=ssh b", "expected bind, cache, tmpfs or secret"},
  };
  for (const auto& [text, says] : table) {
    const auto stages = stages_of(text);
    ASSERT_FALSE(stages) << text;
    EXPECT_NE(stages.error().what.find(says), std::string::npos) << stages.error().what;
    EXPECT_TRUE(stages.error().what.starts_with("Dockerfile:")) << stages.error().what;
  }
}

TEST(DockerfileScope, ArgumentsAreSeenWhereTheyAreDeclared) {
  const Dockerfile file = parsed("ARG G=global\nARG H\nFROM a\nARG G\nARG L=local\nARG H\nARG TARGETARCH\nARG E=$L-x");
  const Arguments given = {{"L", "given"}, {"HTTP_PROXY", "http://proxy"}, {"UNUSED", "1"}, {"H", "h"}};
  const Arguments platform = platform_arguments("amd64");
  const auto stages = split_stages(file, given, platform);
  ASSERT_TRUE(stages);
  Scope scope(*stages, given, platform);
  ImageSettings settings;
  EXPECT_FALSE(scope.lookup(settings)("G")) << "not declared in the stage yet";
  for (const Instruction& at : stages->all[0].body) ASSERT_TRUE(scope.declare(at, settings, '\\'));
  EXPECT_EQ(scope.lookup(settings)("G"), "global");
  EXPECT_EQ(scope.lookup(settings)("L"), "given");
  EXPECT_EQ(scope.lookup(settings)("H"), "h");
  EXPECT_EQ(scope.lookup(settings)("TARGETARCH"), "amd64");
  EXPECT_EQ(scope.lookup(settings)("E"), "given-x");
  set_variable(settings.env, "L", "image's");
  EXPECT_EQ(scope.lookup(settings)("L"), "image's") << "ENV is stronger";
  EXPECT_EQ(scope.run_variables(settings, false),
            (std::vector<std::string>{"E=given-x", "G=global", "H=h", "TARGETARCH=amd64"}));
  EXPECT_EQ(scope.run_variables(settings, true).size(), 5U);
  EXPECT_EQ(unused_arguments(file, given), (std::vector<std::string>{"UNUSED"}));
}

TEST(DockerfileSettings, EachInstructionChangesItsField) {
  const auto made = settings_of_text(
      "ENV A=1 B=$A\nENV B=$A C \nLABEL a=b \"c d\"='e f'\nEXPOSE 80 53/UDP 8000-8002\nVOLUME /v /w\nVOLUME [\"/x "
      "y\"]\n"
      "USER app:staff\nSTOPSIGNAL SIGQUIT\nHEALTHCHECK --interval=1m30s --retries=3 CMD test -f x\nSHELL "
      "[\"/bin/ash\", "
      "\"-c\"]\nCMD a b\nENTRYPOINT [\"/e\"]\nONBUILD RUN x\nMAINTAINER me");
  ASSERT_FALSE(made) << "ENV B=$A C has no value for C";
  const auto settings = settings_of_text(
      "ENV A=1 B=$A\nENV B=$A\nLABEL a=b \"c d\"='e f'\nEXPOSE 80 53/UDP 8000-8002\nVOLUME /v /w\nVOLUME [\"/x y\"]\n"
      "USER app:staff\nSTOPSIGNAL SIGQUIT\nHEALTHCHECK --interval=1m30s --retries=3 CMD test -f x\nSHELL "
      "[\"/bin/ash\", "
      "\"-c\"]\nCMD a b\nENTRYPOINT [\"/e\"]\nONBUILD RUN x\nMAINTAINER me");
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_EQ(settings->env, (std::vector<std::string>{"A=1", "B=1"}));
  EXPECT_EQ(settings->labels.at("c d"), "e f");
  EXPECT_EQ(settings->exposed_ports, (std::set<std::string>{"80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp"}));
  EXPECT_EQ(settings->volumes, (std::set<std::string>{"/v", "/w", "/x y"}));
  EXPECT_EQ(settings->user, "app:staff");
  EXPECT_EQ(settings->stop_signal, "SIGQUIT");
  EXPECT_EQ(settings->healthcheck->test, (std::vector<std::string>{"CMD-SHELL", "test -f x"}));
  EXPECT_EQ(settings->healthcheck->interval, 90'000'000'000);
  EXPECT_EQ(settings->cmd, (std::vector<std::string>{"/bin/ash", "-c", "a b"}));
  EXPECT_EQ(settings->entrypoint, (std::vector<std::string>{"/e"}));
  EXPECT_EQ(settings->on_build, (std::vector<std::string>{"RUN x"}));
  EXPECT_EQ(settings->author, "me");
  const std::string document = settings_document(*settings, "amd64", 0);
  const auto again = read_settings(document);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(settings_document(*again, "amd64", 0), document) << "what is written is read";
}

TEST(DockerfileSettings, AnEntrypointDropsTheBaseImagesCommand) {
  ImageSettings base;
  base.cmd = {"old"};
  EXPECT_TRUE(settings_of_text("ENTRYPOINT e", base)->cmd.empty());
  EXPECT_FALSE(settings_of_text("CMD new\nENTRYPOINT e", base)->cmd.empty());
}

// docker takes them all. Where each was compared with those before it, this took minutes.
TEST(DockerfileSettings, AllPortsMayBeExposed) {
  const auto settings = settings_of_text("EXPOSE 1-65535 1-65535/udp 1-65535/sctp");
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_EQ(settings->exposed_ports.size(), 3U * 65535U);
  const auto again = read_settings(settings_document(*settings, "amd64", 0));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->exposed_ports, settings->exposed_ports);
}

// Each name was compared with all before it.
TEST(DockerfileStages, ThereMayBeManyOfThem) {
  constexpr std::size_t kMany = 100'000;
  std::string text = "FROM a AS s0\n";
  for (std::size_t i = 1; i < kMany; ++i) text += "FROM S" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\n";
  const auto stages = stages_of(text + "COPY --from=s7 a b\nCOPY --from=8 a b");
  ASSERT_TRUE(stages) << stages.error().what;
  EXPECT_EQ(stages->all.back().parent, kMany - 2);
  EXPECT_EQ(stages->all.back().needs, (std::vector<std::size_t>{kMany - 2, 7, 8}));
  const auto needed = needed_stages(*stages, "");
  ASSERT_TRUE(needed);
  EXPECT_EQ(needed->size(), kMany);
  EXPECT_EQ(needed->front(), 0U);
}

TEST(DockerfileStages, ArgumentsTogetherHaveABound) {
  const std::string big = "ARG A=" + std::string(1'000'000, 'x') + "\n";
  std::string many;
  for (int i = 0; i < 8; ++i) many += "ARG B" + std::to_string(i) + "=$A\n";
  EXPECT_NE(stages_of(big + many + "FROM a").error().what.find("ARG: found more than 8388608 bytes"),
            std::string::npos);
  EXPECT_NE(stages_of(big + "FROM $A").error().what.find("found 1000000 bytes"), std::string::npos);
  const Dockerfile file = parsed("FROM a\n" + big + many);
  const Arguments none;
  const auto stages = split_stages(file, none, none);
  ASSERT_TRUE(stages);
  Scope scope(*stages, none, none);
  std::size_t refused = 0;
  for (const Instruction& at : stages->all[0].body) refused += scope.declare(at, {}, '\\') ? 0 : 1;
  EXPECT_EQ(refused, 1U);
}

// A Dockerfile of 4 MiB may ask for 400 GB.
TEST(DockerfileSettings, VariablesTogetherHaveABound) {
  std::string text = "ENV A=" + std::string(1'000'000, 'x') + "\n";
  for (int i = 0; i < 6; ++i) text += "ENV B" + std::to_string(i) + "=$A\n";
  EXPECT_TRUE(settings_of_text(text));
  const auto refused = settings_of_text(text + "LABEL c=$A d=$A");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("LABEL: found more than 8388608 bytes in the variables and labels"),
            std::string::npos);
}

TEST(DockerfileSettings, NumbersOfAConfigurationAreWholeOnes) {
  const auto read = [](const std::string& retries) {
    return read_settings(R"({"config":{"Healthcheck":{"Retries":)" + retries + R"(}},"rootfs":{"diff_ids":[]}})");
  };
  EXPECT_EQ(read("3")->healthcheck->retries, 3);
  EXPECT_EQ(read("null")->healthcheck->retries, 0);
  for (const char* wrong : {"-1", "1e300", "1.5", "18446744073709551615", "\"3\""}) EXPECT_FALSE(read(wrong)) << wrong;
}

TEST(DockerfileSettings, RefuseWhatCannotBe) {
  for (const char* text : {"EXPOSE 0",
                           "EXPOSE 70000",
                           "EXPOSE a",
                           "EXPOSE 80/icmp",
                           "EXPOSE 9-8",
                           "STOPSIGNAL SIGNONE",
                           "SHELL /bin/sh",
                           "SHELL []",
                           "HEALTHCHECK",
                           "HEALTHCHECK CMD",
                           "HEALTHCHECK NONE x",
                           "HEALTHCHECK --interval=x CMD a",
                           "HEALTHCHECK --interval=1us CMD a",
                           "HEALTHCHECK x",
                           "ONBUILD ONBUILD RUN a",
                           "ONBUILD FROM a",
                           "ONBUILD xyz",
                           "USER $NONE",
                           "ENV A",
                           "LABEL a",
                           "VOLUME [\"\"]",
                           "CMD --flag a",
                           "ENV --x a=b"}) {
    const auto file = parse_dockerfile("Dockerfile", text);
    EXPECT_TRUE(!file || !settings_of_text(text)) << text;
  }
}

TEST(DockerfileSettings, DurationsAreGos) {
  for (const auto& [text, expected] : std::vector<std::pair<const char*, std::int64_t>>{
           {"0", 0}, {"1ns", 1}, {"1.5s", 1'500'000'000}, {"1m30s", 90'000'000'000}, {"2h", 7'200'000'000'000}})
    EXPECT_EQ(duration_of(text).value_or(-1), expected) << text;
  for (const char* wrong : {"", "1", "s", "1x", "-1s", "1s2", "nans", "infs", "1snanh", "."})
    EXPECT_FALSE(duration_of(wrong)) << wrong;
}

TEST(DockerfileRun, MountsAreRead) {
  const auto read = [](const std::string& flag) {
    return run_mounts(parsed("RUN --mount=" + flag + " x").instructions[0]);
  };
  const auto bind = read("target=/a,source=b,from=c,rw");
  ASSERT_TRUE(bind) << bind.error().what;
  EXPECT_EQ(bind->at(0), (RunMount{.target = "/a", .source = "b", .from = "c", .read_only = false}));
  EXPECT_TRUE(read("dst=/a")->at(0).read_only);
  const auto cache = read("type=cache,target=/c,sharing=locked,mode=0700,uid=5");
  EXPECT_EQ(cache->at(0).sharing, CacheSharing::kLocked);
  EXPECT_EQ(cache->at(0).id, "/c");
  EXPECT_EQ(cache->at(0).mode, 0700U);
  EXPECT_EQ(read("type=tmpfs,target=/t,size=64m")->at(0).size, 64 << 20);
  EXPECT_EQ(read("type=secret,id=key")->at(0).target, "/run/secrets/key");
  EXPECT_EQ(read("type=secret,id=key,env=KEY")->at(0).target, "");
  for (const char* wrong :
       {"type=x,target=/a", "type=bind", "target=/a,size=1", "type=cache,target=/a,sharing=x", "type=secret",
        "type=tmpfs,target=/a,size=x", "target=/a,rw=x", "type=cache,target=/a,mode=9", "type=cache,target=/a,from=b"})
    EXPECT_FALSE(read(wrong)) << wrong;
}

TEST(DockerfileRun, CommandsHaveTheirForms) {
  const auto command = [](const std::string& text) { return *run_command(parsed(text).instructions[0], {}, '\\'); };
  EXPECT_EQ(command("RUN a | b").args, (std::vector<std::string>{"/bin/sh", "-c", "a | b"}));
  EXPECT_EQ(command("RUN [\"a\", \"b\"]").args, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(command("RUN <<E\nx\ny\nE").args, (std::vector<std::string>{"/bin/sh", "-c", "x\ny\n"}));
  EXPECT_EQ(command("RUN cat <<E > /f\nx\nE").args,
            (std::vector<std::string>{"/bin/sh", "-c", "cat <<E > /f\nx\nE\n"}));
  EXPECT_EQ(command("RUN <<E\n#!/bin/x\ny\nE").script, "#!/bin/x\ny\n");
  EXPECT_FALSE(run_command(parsed("RUN []").instructions[0], {}, '\\'));
}

}  // namespace
}  // namespace mete::testing
