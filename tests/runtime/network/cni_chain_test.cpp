// SPDX-License-Identifier: Apache-2.0
// Who of a list of plugins is called when, with which environment and which input: no program runs.
#include <gtest/gtest.h>

#include "runtime/json.h"
#include "runtime/network/cni/chain.h"

namespace mete::runtime::network::cni {
namespace {

using Json = nlohmann::json;

PluginList shop() {
  return parse_list(R"({"cniVersion": "1.1.0", "name": "shop", "plugins": [
    {"type": "first", "own": 1, "capabilities": {"ips": true}}, {"type": "second", "capabilities": {"portMappings": true}},
    {"type": "third"}]})",
                    "f")
      .value();
}

Attachment attachment(const std::string& version = "1.1.0") {
  return {"uid1",
          "/run/netns/uid1",
          "eth0",
          "A=b",
          {{"ips", R"(["10.0.0.9"])"}, {"portMappings", "[]"}},
          "",
          version,
          R"({"cniVersion": "1.1.0", "ips": []})"};
}

// Plugins that remember their calls, each of which answers with a result that names it.
struct Plugins {
  std::vector<PluginCall> calls;
  std::string fails;  // the type of one that does
  Chain chain() {
    return Chain(shop(), {"/a", "/b"}, [this](const PluginCall& call) -> Result<PluginAnswer> {
      calls.push_back(call);
      if (call.type == fails) return PluginAnswer{1, R"({"code": 7, "msg": "will not"})", ""};
      if (call.environment.front() == "CNI_COMMAND=VERSION")
        return PluginAnswer{0, R"({"supportedVersions": ["1.0.0", "1.1.0"]})", ""};
      return PluginAnswer{0, R"({"interfaces": [{"name": ")" + call.type + "\"}]}", ""};
    });
  }
  [[nodiscard]] std::string order() const {
    std::string all;
    for (const auto& each : calls) all += each.type + " ";
    return all;
  }
  [[nodiscard]] Json input(std::size_t call) const { return Json::parse(calls.at(call).input); }
};

TEST(CniChain, EachPluginGetsTheResultOfTheOneBefore) {
  Plugins plugins;
  const auto added = plugins.chain().add(attachment());
  ASSERT_TRUE(added.has_value()) << added.error().what;
  EXPECT_EQ(plugins.order(), "first second third ");
  EXPECT_FALSE(plugins.input(0).contains("prevResult"));
  EXPECT_EQ(plugins.input(1)["prevResult"]["interfaces"][0]["name"], "first");
  EXPECT_EQ(plugins.input(1)["prevResult"]["cniVersion"], "1.1.0");
  EXPECT_EQ(plugins.input(2)["prevResult"]["interfaces"][0]["name"], "second");
  EXPECT_EQ(added->interfaces.at(0).name, "third");
}

TEST(CniChain, TheRequestIsAsTheSpecificationSays) {
  Plugins plugins;
  ASSERT_TRUE(plugins.chain().add(attachment()).has_value());
  const Json expected = {{"cniVersion", "1.1.0"},
                         {"name", "shop"},
                         {"type", "first"},
                         {"own", 1},
                         {"runtimeConfig", {{"ips", {"10.0.0.9"}}}}};
  EXPECT_EQ(plugins.input(0), expected) << "its own fields, no capabilities, and of the offers those that it takes";
  EXPECT_TRUE(plugins.input(1)["runtimeConfig"].contains("portMappings"));
  EXPECT_FALSE(plugins.input(2).contains("runtimeConfig"));
  const std::vector<std::string> environment = {"CNI_COMMAND=ADD", "CNI_CONTAINERID=uid1", "CNI_NETNS=/run/netns/uid1",
                                                "CNI_IFNAME=eth0", "CNI_ARGS=A=b",         "CNI_PATH=/a:/b"};
  for (const auto& each : plugins.calls) EXPECT_EQ(each.environment, environment);
}

TEST(CniChain, DelGoesBackwardsWithTheLastResult) {
  Plugins plugins;
  ASSERT_TRUE(plugins.chain().del(attachment()).has_value());
  EXPECT_EQ(plugins.order(), "third second first ");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(plugins.input(i).contains("prevResult"));
  EXPECT_EQ(plugins.input(1)["runtimeConfig"]["portMappings"], Json::array()) << "as at ADD";
  plugins.calls.clear();
  ASSERT_TRUE(plugins.chain().del(attachment("0.3.1")).has_value());
  EXPECT_FALSE(plugins.input(0).contains("prevResult")) << "before 0.4.0 it was no part of DEL";
}

TEST(CniChain, AFailureStopsTheChainAndNamesThePlugin) {
  Plugins plugins;
  plugins.fails = "second";
  const auto added = plugins.chain().add(attachment());
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().what,
            "network configuration shop: plugin second, ADD: will not (code 7: its configuration is wrong)");
  EXPECT_EQ(plugins.order(), "first second ");
  plugins.calls.clear();
  EXPECT_FALSE(plugins.chain().del(attachment()).has_value());
  EXPECT_EQ(plugins.order(), "third second ");
  plugins.calls.clear();
  plugins.chain().clean_up(attachment());
  EXPECT_EQ(plugins.order(), "third second first ") << "all of them, whoever fails";
  EXPECT_FALSE(plugins.input(0).contains("prevResult"));
}

TEST(CniChain, CheckStatusAndGarbageWhereTheVersionHasThem) {
  Plugins plugins;
  ASSERT_TRUE(plugins.chain().check(attachment()).has_value());
  EXPECT_EQ(plugins.order(), "first second third ");
  EXPECT_TRUE(plugins.input(0).contains("prevResult"));
  plugins.calls.clear();
  EXPECT_TRUE(plugins.chain().check(attachment("0.3.1")).has_value());
  EXPECT_TRUE(plugins.chain().status("1.0.0").has_value());
  EXPECT_TRUE(plugins.chain().collect_garbage("1.0.0", {}).has_value());
  EXPECT_EQ(plugins.order(), "");
  EXPECT_TRUE(plugins.chain().status("1.1.0").has_value());
  EXPECT_EQ(plugins.order(), "first second third ");
  plugins.calls.clear();
  plugins.fails = "first";
  EXPECT_FALSE(plugins.chain().collect_garbage("1.1.0", {{"uid1", "eth0"}}).has_value());
  EXPECT_EQ(plugins.order(), "first second third ") << "each is asked";
  EXPECT_EQ(plugins.input(2)["cni.dev/valid-attachments"],
            Json::array({{{"containerID", "uid1"}, {"ifname", "eth0"}}}));
}

TEST(CniChain, VersionsAreAskedForFirst) {
  Plugins plugins;
  EXPECT_EQ(plugins.chain().negotiate().value(), "1.1.0");
  EXPECT_EQ(plugins.order(), "first second third ");
  plugins.fails = "third";
  EXPECT_FALSE(plugins.chain().negotiate().has_value());
}

}  // namespace
}  // namespace mete::runtime::network::cni
