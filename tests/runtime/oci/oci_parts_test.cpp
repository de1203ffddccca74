// SPDX-License-Identifier: Apache-2.0
// mete-oci's smaller pure parts: flags of update, state, the new fields of config.json as data.
#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/mount.h>

#include "runtime/json.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/config/example.h"
#include "runtime/oci/config/home.h"
#include "runtime/oci/flags.h"
#include "runtime/oci/state.h"
#include "runtime/oci/update_flags.h"
#include "runtime/process/plan/plan.h"

namespace mete::runtime::oci {
namespace {

using Json = nlohmann::json;

Config read(const Json& json) {
  auto config = read_config(json.dump(), {.bundle = "/bundle", .cgroup_view = {}});
  EXPECT_TRUE(config) << config.error().what;
  return config ? std::move(*config) : Config{};
}

template <class Op>
std::vector<Op> operations(const Config& config) {
  std::vector<Op> all;
  const auto plan = process::make_plan(config.launch);
  EXPECT_TRUE(plan) << plan.error().what;
  if (!plan) return all;
  for (const auto& op : plan->ops) {
    if (const auto* each = std::get_if<Op>(&op)) all.push_back(*each);
  }
  return all;
}

TEST(UpdateFlags, BecomeResources) {
  Options options;
  EXPECT_FALSE(resources_of_flags(options));
  options.memory = "64MiB";
  options.memory_swap = "-1";
  options.cpuset_cpus = "0-1";
  options.pids_limit = "7";
  EXPECT_EQ(
      Json::parse(resources_of_flags(options).value()),
      (Json{{"memory", {{"limit", 64 << 20}, {"swap", -1}}}, {"cpu", {{"cpus", "0-1"}}}, {"pids", {{"limit", 7}}}}));
  for (const char* const text : {"x", "1q", "1mm", "-1k", "99999999999g"}) {
    options.memory = text;
    EXPECT_FALSE(resources_of_flags(options)) << text;
  }
}

TEST(OciState, ReadsBackWhatItWrites) {
  State state;
  state.version = "1.3.0";
  state.id = "a";
  state.bundle = "/b";
  state.unit = "x-a.scope";
  state.listener_path = "/l";
  state.listener_metadata = "m";
  state.annotations = {{"k", "v"}};
  state.hooks.poststop = {{"/x", {"x", "y"}, std::vector<std::string>{"A=b"}, std::chrono::seconds(3)},
                          {"/y", {}, std::vector<std::string>(), {}},
                          {"/z", {}, std::nullopt, {}}};
  const auto back = parse_state(to_text(state));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->unit, "x-a.scope");
  EXPECT_EQ(back->hooks, state.hooks);
  EXPECT_EQ(back->listener_metadata, "m");
  EXPECT_EQ(spec_state(*back, "stopped", 0),
            R"({"ociVersion":"1.3.0","id":"a","status":"stopped","bundle":"/b","annotations":{"k":"v"}})");
}

TEST(OciFields, TuningTerminalAndHooks) {
  Json json = Json::parse(example_config());
  json["process"]["terminal"] = true;
  json["process"]["consoleSize"] = {{"height", 30}, {"width", 90}};
  json["process"]["execCPUAffinity"] = {{"initial", "0"}, {"final", "1,64"}};
  json["linux"]["memoryPolicy"] = {{"mode", "MPOL_INTERLEAVE"}, {"nodes", "0-1"}, {"flags", {"MPOL_F_STATIC_NODES"}}};
  json["hooks"] = {{"prestart", {{{"path", "/x"}, {"timeout", 4}}}}, {"poststop", {{{"path", "/y"}}}}};
  const Config config = read(json);
  EXPECT_EQ(operations<process::OpenTerminal>(config), (std::vector<process::OpenTerminal>{{30, 90, true}}));
  EXPECT_EQ(operations<process::AwaitHooks>(config).size(), 1U);
  ASSERT_EQ(operations<process::Tune>(config).size(), 1U);
  EXPECT_EQ(operations<process::Tune>(config)[0].tuning.memory_policy,
            (process::MemoryPolicy{MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, {3}}));
  EXPECT_TRUE(operations<process::Tune>(config)[0].tuning.cpus.empty()) << "affinity is for exec";
  EXPECT_EQ(config.launch.tuning.cpus, (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(config.hooks.prestart[0].timeout, std::chrono::seconds(4));
}

TEST(OciFields, MountsThatTheLauncherMakes) {
  Json json = Json::parse(example_config());
  const Json map = {{{"containerID", 0}, {"hostID", 5}, {"size", 6}}};
  json["mounts"] = {{{"destination", "/s"}, {"source", "/x"}, {"options", {"rbind", "rshared"}}},
                    {{"destination", "/m"},
                     {"source", "/y"},
                     {"options", {"bind", "ridmap"}},
                     {"uidMappings", map},
                     {"gidMappings", map}},
                    {{"destination", "/p"}, {"source", "/z"}, {"options", {"bind"}}},
                    {{"destination", "/p"}, {"options", {"remount", "ro"}}}};
  const Config config = read(json);
  const auto binds = operations<process::BindMount>(config);
  ASSERT_EQ(binds.size(), 3U);
  using process::MountCopier;
  EXPECT_TRUE(binds[0].copier == MountCopier::launcher && binds[1].copier == MountCopier::launcher &&
              binds[2].copier == MountCopier::child);
  EXPECT_TRUE(binds[1].id_map.recursive);
  EXPECT_EQ(binds[1].id_map.uids, (std::vector<process::IdMapping>{{0, 5, 6}}));
  EXPECT_EQ(operations<process::ChangeMount>(config),
            (std::vector<process::ChangeMount>{{"/p", MOUNT_ATTR_RDONLY, 0, false}}));
  // In a user namespace the launcher copies what it may: the child may not reach it.
  json["linux"]["namespaces"].push_back({{"type", "user"}});
  json["linux"]["uidMappings"] = json["linux"]["gidMappings"] = map;
  EXPECT_EQ(operations<process::BindMount>(read(json))[2].copier, MountCopier::launcher_if_allowed);
}

TEST(OciFields, ThePathOfAUserNamespaceMapsOwners) {
  Json json = Json::parse(example_config());
  json["mounts"] = {{{"destination", "/m"}, {"source", "/y"}, {"options", {"bind", "idmap"}}}};
  json["linux"]["namespaces"].push_back({{"type", "user"}, {"path", "/proc/7/ns/user"}});
  const auto binds = operations<process::BindMount>(read(json));
  ASSERT_EQ(binds.size(), 1U);
  EXPECT_EQ(binds[0].id_map.user_namespace, "/proc/7/ns/user");
  EXPECT_EQ(binds[0].copier, process::MountCopier::launcher);
}

TEST(OciFields, WithoutAMountOnDevThereIsATmpfsWithItsLinks) {
  Json json = Json::parse(example_config());
  json["mounts"] = {{{"destination", "/dev/shm"}, {"type", "tmpfs"}, {"source", "shm"}}};
  const auto made = operations<process::MountFilesystem>(read(json));
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].destination, "/dev") << "before what is mounted below it";
  EXPECT_EQ(made[0].type, "tmpfs");
  EXPECT_EQ(operations<process::MakeSymlink>(read(json)).size(), 5U);
  json["mounts"] = {{{"destination", "/dev/"}, {"source", "/x"}, {"options", {"bind"}}}};
  EXPECT_TRUE(operations<process::MountFilesystem>(read(json)).empty() &&
              operations<process::MakeSymlink>(read(json)).empty())
      << "a bind is the host's directory";
}

TEST(OciFields, OfTwoVariablesOfOneNameTheLastWins) {
  Json json = Json::parse(example_config());
  json["process"]["env"] = {"A=1", "B=x", "A=2", "AA=4", "A="};
  EXPECT_EQ(read(json).launch.env, (std::vector<std::string>{"A=", "B=x", "AA=4"}));
}

TEST(OciFields, AHookWithoutEnvironmentIsToldFromOneWithAnEmptyOne) {
  Json json = Json::parse(example_config());
  json["hooks"] = {
      {"poststart", {{{"path", "/x"}}, {{"path", "/x"}, {"env", Json::array()}}, {{"path", "/x"}, {"env", {"A=b"}}}}}};
  const auto hooks = read(json).hooks.poststart;
  ASSERT_EQ(hooks.size(), 3U);
  EXPECT_FALSE(hooks[0].env);
  EXPECT_EQ(hooks[1].env, std::vector<std::string>());
  EXPECT_EQ(hooks[2].env, std::vector<std::string>{"A=b"});
}

TEST(Home, IsThatOfTheUserInPasswd) {
  const char* const passwd =
      "root:x:0:0:root:/root:/bin/sh\n\nbroken\nu:x:1000:7::/home/u\nr:x:5:5::relative:/bin/sh\n";
  EXPECT_EQ(home_in(passwd, 0), "/root");
  EXPECT_EQ(home_in(passwd, 1000), "/home/u");
  EXPECT_EQ(home_in(passwd, 5), "/");
  EXPECT_EQ(home_in(passwd, 7), "/") << "a group's number is not the user's";
  EXPECT_EQ(home_in("", 0), "/");
  EXPECT_TRUE(has_home({"A=b", "HOME="}) && !has_home({"HOMER=x"}));
}

TEST(OciFields, AJoinedMountNamespaceKeepsItsRoot) {
  Json json = Json::parse(example_config());
  for (auto& each : json["linux"]["namespaces"]) {
    if (each["type"] == "mount") each["path"] = "/proc/1/ns/mnt";
  }
  const Config config = read(json);
  EXPECT_EQ(operations<process::EnterRoot>(config).size(), 1U);
  EXPECT_TRUE(operations<process::PivotRoot>(config).empty() && operations<process::MakeMountsPrivate>(config).empty());
}

TEST(OciFields, WithoutAMountNamespaceNothingIsMounted) {
  Json json = Json::parse(example_config());
  json["linux"]["namespaces"] = {{{"type", "pid"}}, {{"type", "uts"}}};
  const std::string here = "/b";
  const auto refused = read_config(json.dump(), {.bundle = here, .cgroup_view = {}});
  ASSERT_TRUE(refused) << refused.error().what;
  const auto plan = process::make_plan(refused->launch);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().what.find("no mount namespace"), std::string::npos) << plan.error().what;
  json["mounts"] = Json::array();
  json["linux"].erase("maskedPaths");
  json["linux"].erase("readonlyPaths");
  json["root"]["readonly"] = false;
  const Config config = read(json);
  EXPECT_EQ(operations<process::OpenRoot>(config).size(), 1U);
  EXPECT_EQ(operations<process::EnterRoot>(config).size(), 1U);
  EXPECT_TRUE(operations<process::MountRoot>(config).empty() && operations<process::PivotRoot>(config).empty() &&
              operations<process::MountFilesystem>(config).empty());
}

TEST(OciFields, TheExampleHasATerminal) {
  const Json json = Json::parse(example_config());
  EXPECT_EQ(json["process"]["terminal"], true);
  const auto& env = json["process"]["env"];
  EXPECT_NE(std::find(env.begin(), env.end(), "TERM=xterm"), env.end());
}

TEST(OciFields, ResourcesThatAreLines) {
  Json json = Json::parse(example_config());
  json["linux"]["resources"] = {
      {"memory", {{"swappiness", 9}}},
      {"blockIO", {{"weight", 10}, {"weightDevice", {{{"major", 8}, {"minor", 0}, {"weight", 1000}}}}}},
      {"network", {{"classID", 5}, {"priorities", {{{"name", "eth0"}, {"priority", 3}}}}}},
      {"rdma", {{"mlx", {{"hcaHandles", 2}, {"hcaObjects", 3}}}}},
      {"unified", {{"memory.high", "7"}}}};
  const auto lines = read(json).resources.lines;
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0], (ControlLine{"linux.resources.memory.swappiness", "memory", "memory.swappiness", "", "9", ""}));
  EXPECT_EQ(lines[1].v1_text, "10");
  EXPECT_EQ(lines[1].v2_text, "default 1");
  EXPECT_EQ(lines[2].v2_text, "8:0 10000");
  EXPECT_EQ(lines[3].v1_text, "5");
  EXPECT_EQ(lines[4].v1_text, "eth0 3");
  EXPECT_EQ(lines[5].v2_text, "mlx hca_handle=2 hca_object=3");
  EXPECT_EQ(lines[6], (ControlLine{"linux.resources.unified.memory.high", "memory", "", "memory.high", "", "7"}));
}

}  // namespace
TEST(Help, OfACommandListsItsOwnFlags) {
  const std::string text = help_text("exec");
  EXPECT_NE(text.find("usage: mete-oci [global flags] exec [flags] ID [COMMAND ...]"), std::string::npos) << text;
  EXPECT_NE(text.find("-e, --env NAME=VALUE"), std::string::npos) << text;
  EXPECT_EQ(text.find("--keep"), std::string::npos) << text;
  EXPECT_NE(help_text("run").find("--keep"), std::string::npos);
  EXPECT_EQ(help_text("state").find("[flags]"), std::string::npos) << "a command without flags";
}

TEST(Help, WithoutACommandListsAllCommandsAndGlobalFlags) {
  const std::string text = help_text("");
  for (const char* const part : {"create ID", "spec", "--root DIR", "mete-oci COMMAND --help"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(Help, EveryFlagIsExplained) {
  for (const auto& flag : all_flags()) {
    EXPECT_FALSE(flag.help.empty()) << flag.name;
    // A flag without a value says so by the type of what it sets.
    EXPECT_EQ(flag.value.empty(), std::holds_alternative<bool Options::*>(flag.target)) << flag.name;
  }
}

}  // namespace mete::runtime::oci
