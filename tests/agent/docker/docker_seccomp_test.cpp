// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <linux/capability.h>

#include "agent/docker/create/seccomp_opt.h"

namespace mete::agent::docker {
namespace {

constexpr SeccompSubject kPlain{"amd64", 6, 1, 1ULL << CAP_CHOWN};

Json with_options(const Json& words) {
  return {{"SecurityOpt", words}};
}

// The names of the rules that are left.
std::vector<std::string> rules(const Json& rule, const SeccompSubject& subject) {
  const Json profile = {{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", Json::array({rule})}};
  const auto made = seccomp_profile(profile.dump(), subject);
  EXPECT_TRUE(made) << made.error().what;
  std::vector<std::string> names;
  const Json written = Json::parse(made.value_or("{}"));
  for (const auto& each : field(written, "syscalls"))
    for (const auto& name : words_of(each, "names")) names.push_back(name);
  return names;
}

Json rule_with(const char* filter, const Json& conditions) {
  return {{"names", {"mkdir"}}, {"action", "SCMP_ACT_ERRNO"}, {filter, conditions}};
}

std::string error_of(const std::string& text) {
  const auto made = seccomp_profile(text, kPlain);
  return made ? "" : made.error().what;
}

TEST(DockerSeccomp, TheLastOptionCounts) {
  EXPECT_EQ(seccomp_text_of(with_options({"seccomp={}", "no-new-privileges"})), "{}");
  EXPECT_EQ(seccomp_text_of(with_options({"seccomp={}", "seccomp=unconfined"})), "");
  EXPECT_TRUE(is_seccomp_unconfined(with_options({"seccomp={}", "seccomp:unconfined"})));
  EXPECT_FALSE(is_seccomp_unconfined(with_options({"seccomp=unconfined", "seccomp=builtin"})));
  EXPECT_EQ(seccomp_text_of(Json::object()), "");
}

TEST(DockerSeccomp, RulesAreOfMachinesKernelsAndCapabilities) {
  const std::vector<std::string> none;
  const std::vector<std::string> kept = {"mkdir"};
  EXPECT_EQ(rules(rule_with("includes", Json::object()), kPlain), kept);
  EXPECT_EQ(rules(rule_with("includes", nullptr), kPlain), kept);
  EXPECT_EQ(rules(rule_with("includes", {{"caps", {"CAP_CHOWN"}}}), kPlain), kept);
  EXPECT_EQ(rules(rule_with("includes", {{"caps", {"CAP_CHOWN", "CAP_SYS_ADMIN"}}}), kPlain), none);
  EXPECT_EQ(rules(rule_with("excludes", {{"caps", {"CAP_SYS_ADMIN"}}}), kPlain), kept);
  EXPECT_EQ(rules(rule_with("excludes", {{"caps", {"CAP_SYS_ADMIN", "CAP_CHOWN"}}}), kPlain), none);
  EXPECT_EQ(rules(rule_with("includes", {{"arches", {"s390x", "amd64"}}}), kPlain), kept);
  EXPECT_EQ(rules(rule_with("includes", {{"arches", {"s390x"}}}), kPlain), none);
  EXPECT_EQ(rules(rule_with("excludes", {{"arches", {"amd64"}}}), kPlain), none);
  EXPECT_EQ(rules(rule_with("includes", {{"minKernel", "6.1"}}), kPlain), kept);
  EXPECT_EQ(rules(rule_with("includes", {{"minKernel", "6.10"}}), kPlain), none);
  EXPECT_EQ(rules(rule_with("includes", {{"minKernel", "4.8"}}), kPlain), kept);
  EXPECT_EQ(rules(rule_with("excludes", {{"minKernel", "4.8"}}), kPlain), none);
  EXPECT_EQ(rules({{"name", "mkdir"}, {"action", "SCMP_ACT_ERRNO"}}, kPlain), kept);
}

TEST(DockerSeccomp, AnArchitectureBringsItsOwn) {
  const char* const text = R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"archMap":[
    {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]},
    {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]}],
    "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","comment":"","args":null}]})";
  const auto made = seccomp_profile(text, kPlain);
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(*made, R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,)"
                   R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],)"
                   R"("syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]})");
}

TEST(DockerSeccomp, WhatIsWrongIsSaid) {
  EXPECT_TRUE(error_of("{").starts_with("Decoding seccomp profile failed: ")) << error_of("{");
  EXPECT_TRUE(error_of("[]").starts_with("Decoding seccomp profile failed: "));
  EXPECT_NE(error_of("{}"), "");
  EXPECT_NE(error_of(R"({"defaultAction":"SCMP_ACT_SING"})"), "");
  const auto with_rule = [](const char* rule) {
    return R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + std::string(rule) + "]}";
  };
  EXPECT_NE(error_of(with_rule(R"({"name":"read","names":["write"],"action":"SCMP_ACT_ERRNO"})")), "");
  EXPECT_NE(error_of(with_rule(R"({"names":["read"],"action":"SCMP_ACT_NOTIFY"})")), "");
  for (const char* version : {"new", "4", "4.", "4.8.1", ".8", "-1.2"})
    EXPECT_NE(error_of(with_rule((R"({"names":["read"],"action":"SCMP_ACT_ERRNO","includes":{"minKernel":")" +
                                  std::string(version) + "\"}}")
                                     .c_str())),
              "")
        << version;
  EXPECT_NE(error_of(with_rule(R"({"names":["read"],"action":"SCMP_ACT_ERRNO","includes":{"caps":["CAP_FLY"]}})")), "");
  EXPECT_NE(error_of(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],)"
                     R"("archMap":[{"architecture":"SCMP_ARCH_X86_64"}]})"),
            "");
}

}  // namespace
}  // namespace mete::agent::docker
