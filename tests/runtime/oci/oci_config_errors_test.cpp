// SPDX-License-Identifier: Apache-2.0
// The errors of config.json and of the command line.
#include <gtest/gtest.h>

#include "runtime/oci/config/options.h"
#include "tests/runtime/oci/oci_config_support.h"

namespace mete::runtime::oci {
namespace {

struct Refusal {
  const char* pointer;
  const char* value;
  const char* expected;
};

TEST(OciConfig, WhatIsWrongIsNamed) {
  const Refusal refusals[] = {
      {"/ociVersion", "\"2.0\"", "ociVersion: found \"2.0\""},
      {"/process/args", "\"sh\"", "process.args: found a text, expected a list of texts"},
      {"/process/args", "[]", "process.args: found no command"},
      {"/process/args", "[1]", "process.args: found a number"},
      {"/process/cwd", "\"x\"", "process.cwd: found \"x\", expected an absolute path"},
      {"/process/env", "[\"X\"]", "process.env: found \"X\", expected NAME=value"},
      {"/process/env", "[\"A=\\u0000\"]", "process.env: found a NUL byte"},
      {"/process/consoleSize", "{\"height\":70000}", "process.consoleSize.height: found 70000, expected 0 to 65535"},
      {"/process/scheduler", "{\"policy\":\"FIFO\"}", "process.scheduler.policy: found \"FIFO\""},
      {"/process/scheduler", "{\"policy\":\"SCHED_OTHER\",\"priority\":5}", "process.scheduler.priority: found 5"},
      {"/process/ioPriority", "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}",
       "process.ioPriority.priority: found 8, expected 0 to 7"},
      {"/process/execCPUAffinity", "{\"initial\":\"3-1\"}",
       "process.execCPUAffinity.initial: found \"3-1\", expected a list such as 0-3,7"},
      {"/process/user/uid", "-1", "process.user.uid: found -1"},
      {"/process/user/uid", "4294967295", "process.user.uid: found 4294967295"},
      {"/process/user/uid", "1.5", "process.user.uid: found a fraction"},
      {"/process/rlimits", "[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]",
       "process.rlimits[0].type: found \"RLIMIT_X\""},
      {"/process/rlimits", "[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]", "process.rlimits[0].soft: found 2"},
      {"/process/oomScoreAdj", "2000", "process.oomScoreAdj: found 2000, expected -1000 to 1000"},
      {"/process/apparmorProfile", "\"x\"", "process.apparmorProfile: this kernel has no AppArmor"},
      {"/root/path", "\"\"", "root.path: found nothing"},
      {"/root", "null", "root.path: found nothing"},
      {"/hostname", "7", "hostname: found a number, expected a text"},
      {"/mounts", "{}", "mounts: found an object, expected a list"},
      {"/mounts/0/options", "[\"idmap\"]", "mounts[0].options: found idmap without mappings"},
      {"/mounts/0/destination", "\"/\"", "mounts[0].destination: found the root"},
      {"/linux/namespaces/0/type", "\"disk\"", "linux.namespaces[0].type: found \"disk\""},
      {"/linux/namespaces/1/type", "\"pid\"", "linux.namespaces[1].type: found \"pid\" twice"},
      {"/linux/uidMappings", "[{\"containerID\":0,\"hostID\":0,\"size\":1}]", "linux.uidMappings: found mappings"},
      {"/linux/cgroupsPath", "\"a.slice:b:c\"", "systemd's form"},
      {"/linux/rootfsPropagation", "\"common\"",
       "linux.rootfsPropagation: found \"common\", expected private, slave, shared or unbindable"},
      {"/linux/intelRdt", "{\"closID\":\"x\"}", "linux.intelRdt: cache and memory bandwidth allocation cannot be set"},
      {"/linux/resources/memory", "{\"limit\":10,\"swap\":5}", "linux.resources.memory.swap: found 5"},
      {"/linux/resources/unified", "{\"../x.max\":\"1\"}", "found \"../x.max\", expected a control file of cgroup2"},
      {"/linux/seccomp", "{\"defaultAction\":\"ALLOW\"}", "linux.seccomp.defaultAction: found \"ALLOW\""},
      {"/linux/seccomp", "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
       "linux.seccomp.defaultAction: found SCMP_ACT_NOTIFY, expected it in rules alone"},
      {"/linux/memoryPolicy", "{\"mode\":\"BIND\"}", "linux.memoryPolicy.mode: found \"BIND\""},
      {"/linux/personality", "{\"domain\":\"BSD\"}",
       "linux.personality.domain: found \"BSD\", expected LINUX or LINUX32"},
      {"/linux/netDevices", "{\"eth0\":{\"name\":\"a/b\"}}", "found \"a/b\", expected a name for a network interface"},
      {"/hooks", "{\"prestart\":[{\"path\":\"x\"}]}", "hooks.prestart[0].path: found \"x\", expected an absolute path"},
      {"/hooks", "{\"poststop\":[{\"path\":\"/x\",\"timeout\":0}]}",
       "hooks.poststop[0].timeout: found 0, expected 1 to 86400"},
  };
  for (const auto& each : refusals) {
    Json json = example();
    json[Json::json_pointer(each.pointer)] = Json::parse(each.value);
    EXPECT_NE(error_of(json).find(each.expected), std::string::npos)
        << each.pointer << " = " << each.value << ": " << error_of(json);
  }
}

TEST(OciConfig, UnknownAndEmptyFieldsAreIgnored) {
  Json json = example();
  json["tomorrow"] = {{"a", 1}};
  json["process"]["newField"] = "x";
  json["hooks"] = {{"prestart", Json::array()}};
  json["linux"]["intelRdt"] = nullptr;
  json["linux"]["resources"]["network"] = Json::object();
  EXPECT_EQ(error_of(json), "");
}

TEST(OciConfig, WhatIsNoJsonSaysWhere) {
  const auto found = read_config("{\n \"a\": ]", surroundings());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().what.find("config.json: line 2: not JSON"), std::string::npos) << found.error().what;
  EXPECT_FALSE(read_config("", surroundings()));
  EXPECT_FALSE(read_config("[]", surroundings()));
  EXPECT_FALSE(read_config(std::string(1000, '['), surroundings()));
  EXPECT_FALSE(read_config("{\"a\":\"\xff\"}", surroundings()));
  const auto huge = read_config("{\"a\":433e333}", surroundings());
  ASSERT_FALSE(huge);
  EXPECT_NE(huge.error().what.find("config.json: not JSON: number overflow"), std::string::npos) << huge.error().what;
}

TEST(OciOptions, AsClientsCall) {
  const char* const words[] = {"mete-oci", "--root",   "/r", "--log=/l",   "--log-format", "json",
                               "create",   "--bundle", "/b", "--pid-file", "/p",           "id"};
  Options options;
  ASSERT_TRUE(parse_options(12, words, options));
  EXPECT_EQ(options.root, "/r");
  EXPECT_EQ(options.log, "/l");
  EXPECT_EQ(options.command, "create");
  EXPECT_EQ(options.pid_file, "/p");
  EXPECT_EQ(options.words, (std::vector<std::string>{"id"}));
}

TEST(OciOptions, WhatFollowsTheIdOfExecIsTheCommands) {
  const char* const words[] = {"mete-oci", "exec", "-e", "A=1", "id", "ls", "--all", "-f"};
  Options options;
  ASSERT_TRUE(parse_options(8, words, options));
  EXPECT_EQ(options.words, (std::vector<std::string>{"id", "ls", "--all", "-f"}));
  EXPECT_EQ(options.env, (std::vector<std::string>{"A=1"}));
}

TEST(OciOptions, WrongOnes) {
  const auto error = [](std::vector<const char*> words) {
    words.insert(words.begin(), "mete-oci");
    Options options;
    const auto parsed = parse_options(static_cast<int>(words.size()), words.data(), options);
    return parsed ? std::string() : parsed.error().what;
  };
  EXPECT_NE(error({}).find("no command"), std::string::npos);
  EXPECT_NE(error({"fly"}).find("\"fly\""), std::string::npos);
  EXPECT_NE(error({"start"}).find("start ID"), std::string::npos);
  EXPECT_NE(error({"start", "--keep", "x"}).find("--keep"), std::string::npos);
  EXPECT_NE(error({"create", "id", "--bundle"}).find("expected its value"), std::string::npos);
  EXPECT_EQ(error({"delete", "--force", "x"}), "");
  EXPECT_EQ(error({"--version"}), "");
}

}  // namespace
}  // namespace mete::runtime::oci
