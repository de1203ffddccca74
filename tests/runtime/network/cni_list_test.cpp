// SPDX-License-Identifier: Apache-2.0
// Configurations, versions and answers of CNI plugins, as values.
#include <gtest/gtest.h>

#include "runtime/network/cni/attachment.h"
#include "runtime/network/cni/cni_result.h"
#include "runtime/network/cni/plugin_list.h"

namespace mete::runtime::network::cni {
namespace {

constexpr const char* kShop = R"({"cniVersion": "1.0.0", "name": "shop", "plugins": [
  {"type": "bridge", "bridge": "cni0", "capabilities": {"ips": true, "mac": false}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]})";

std::string error_of(const std::string& text) {
  const auto read = parse_list(text, "10-shop.conflist");
  return read ? "" : read.error().what;
}

TEST(CniList, IsReadWithItsPluginsInTheirOrder) {
  const auto list = parse_list(kShop, "f");
  ASSERT_TRUE(list.has_value()) << list.error().what;
  EXPECT_EQ(list->name, "shop");
  EXPECT_EQ(list->versions, std::vector<std::string>{"1.0.0"});
  ASSERT_EQ(list->plugins.size(), 2U);
  EXPECT_EQ(list->plugins[0].type, "bridge");
  EXPECT_EQ(list->plugins[1].type, "portmap");
  EXPECT_TRUE(takes(*list, "ips"));
  EXPECT_TRUE(takes(*list, "portMappings"));
  EXPECT_FALSE(takes(*list, "mac"));
  EXPECT_FALSE(list->disable_check || list->disable_gc);
}

TEST(CniList, ASinglePluginIsAListOfOne) {
  const auto list = parse_list(R"({"cniVersion": "0.3.1", "name": "one", "type": "macvlan", "master": "eth0"})", "f");
  ASSERT_TRUE(list.has_value()) << list.error().what;
  ASSERT_EQ(list->plugins.size(), 1U);
  EXPECT_NE(list->plugins[0].text.find("\"master\":\"eth0\""), std::string::npos);
}

TEST(CniList, SwitchesAreWordsOrTexts) {
  const auto with = [](const std::string& more) {
    return parse_list(R"({"cniVersion": "1.1.0", "name": "n", "type": "t", )" + more + "}", "f");
  };
  EXPECT_TRUE(with(R"("disableCheck": "true")")->disable_check);
  EXPECT_TRUE(with(R"("disableCheck": true, "disableGC": true)")->disable_gc);
  EXPECT_FALSE(with(R"("disableCheck": "false")")->disable_check);
  EXPECT_FALSE(with(R"("disableGC": 1)").has_value());
}

TEST(CniList, EachFaultIsNamed) {
  const auto with = [](const std::string& more) {
    return error_of(R"({"cniVersion": "1.0.0", "name": "n")" + more + "}");
  };
  EXPECT_EQ(error_of("{"), "10-shop.conflist: found \"{\", expected JSON");
  EXPECT_EQ(error_of("[]"), "10-shop.conflist: found [], expected a JSON object");
  EXPECT_EQ(error_of(R"({"cniVersion": "1.0.0", "type": "t"})"), "10-shop.conflist: name: found none, expected a text");
  EXPECT_EQ(error_of(R"({"cniVersion": "1.0.0", "type": "t", "name": 7})"),
            "10-shop.conflist: name: found 7, expected a text");
  EXPECT_NE(error_of(R"({"cniVersion": "1.0.0", "type": "t", "name": "../x"})").find("name: found \"../x\""),
            std::string::npos);
  EXPECT_EQ(error_of(R"({"name": "n", "type": "t"})"), "10-shop.conflist: cniVersion: found none, expected a text");
  for (const char* version : {"0.1.0", "0.2.0", "2.0.0", "1"})
    EXPECT_EQ(error_of(std::string(R"({"name": "n", "type": "t", "cniVersion": ")") + version + "\"}"),
              std::string("10-shop.conflist: cniVersion: found \"") + version + "\", expected one of 0.3.0 to 1.1.0");
  EXPECT_EQ(with(""), "10-shop.conflist: type: found none, expected a text");
  EXPECT_EQ(with(R"(, "type": "../../bin/sh")"),
            "10-shop.conflist: type: found \"../../bin/sh\", expected the name of a plugin's program");
  EXPECT_EQ(with(R"(, "plugins": [])"), "10-shop.conflist: plugins: found 0, expected a list of 1 to 64 plugins");
  EXPECT_EQ(with(R"(, "plugins": {})"), "10-shop.conflist: plugins: found no list, expected a list of 1 to 64 plugins");
  EXPECT_EQ(with(R"(, "plugins": [{"type": "a"}, 3])"), "10-shop.conflist: plugins[1]: found 3, expected an object");
  EXPECT_EQ(with(R"(, "plugins": [{"name": "a"}])"), "10-shop.conflist: plugins[0]: type: found none, expected a text");
  EXPECT_EQ(with(R"(, "type": "t", "capabilities": ["a"])"),
            "10-shop.conflist: capabilities: found [\"a\"], expected an object");
  EXPECT_EQ(with(R"(, "type": "t", "capabilities": {"a": 1})"),
            "10-shop.conflist: capabilities.a: found 1, expected true or false");
  EXPECT_EQ(with(R"(, "type": "t", "cniVersions": "1.0.0")"),
            "10-shop.conflist: cniVersions: found \"1.0.0\", expected a list of texts");
}

TEST(CniVersion, TheNewestThatAllUnderstandIsSpoken) {
  auto list = parse_list(kShop, "f").value();
  const std::vector<std::string> debian = {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"};
  EXPECT_EQ(choose_version(list, {debian, debian}).value(), "1.0.0");
  EXPECT_EQ(choose_version(list, {debian, {"0.3.1", "0.4.0"}}).value(), "0.4.0") << "an older one than was asked for";
  list.versions = {"1.1.0"};
  EXPECT_EQ(choose_version(list, {debian, debian}).value(), "1.0.0");
  list.versions = {"0.4.0", "1.1.0"};
  EXPECT_EQ(choose_version(list, {debian, debian}).value(), "0.4.0")
      << "of those that are listed, though 1.0.0 is newer";
  list.versions = {"0.3.1"};
  EXPECT_EQ(choose_version(list, {debian, debian}).value(), "0.3.1") << "never a newer one than is listed";
  EXPECT_FALSE(choose_version(list, {debian, {"1.0.0"}}).has_value());
  EXPECT_FALSE(choose_version(list, {debian, {}}).has_value());
  EXPECT_TRUE(is_older("0.4.0", "1.0.0"));
  EXPECT_TRUE(is_older("0.9.0", "0.10.0"));
  EXPECT_FALSE(is_older("1.1.0", "1.1.0"));
  EXPECT_TRUE(is_older("x", "0.0.0"));
  EXPECT_EQ(parse_versions(R"({"cniVersion": "1.0.0", "supportedVersions": ["0.4.0"]})").value(),
            std::vector<std::string>{"0.4.0"});
}

constexpr const char* kBridged = R"({"cniVersion": "0.4.0",
  "interfaces": [{"name": "cni0", "mac": "aa:00:00:00:00:01"}, {"name": "veth1", "mac": "aa:00:00:00:00:02"},
                 {"name": "eth0", "mac": "aa:00:00:00:00:03", "sandbox": "/run/x"}],
  "ips": [{"version": "4", "interface": 0, "address": "10.9.0.1/16"},
          {"version": "6", "interface": 2, "address": "fd00::5/64"},
          {"version": "4", "interface": 2, "address": "10.9.0.5/16", "gateway": "10.9.0.1"}],
  "routes": [{"dst": "0.0.0.0/0", "mtu": 1400}],
  "dns": {"nameservers": ["10.9.0.1"], "domain": "shop", "options": ["ndots:2"]}})";

TEST(CniResult, TheContainersOwnAddressesAreTaken) {
  const auto result = parse_result(kBridged, "1.0.0", "plugin");
  ASSERT_TRUE(result.has_value()) << result.error().what;
  Endpoint endpoint;
  apply_result(*result, endpoint);
  EXPECT_EQ(to_string(endpoint.address), "10.9.0.5");
  EXPECT_EQ(to_string(*endpoint.address6), "fd00::5");
  EXPECT_EQ(to_string(endpoint.mac), "aa:00:00:00:00:03");
  EXPECT_NE(result->text.find("\"cniVersion\":\"1.0.0\""), std::string::npos);
  EXPECT_NE(result->text.find("\"mtu\":1400"), std::string::npos) << "what is not read is passed on";
  EXPECT_EQ(resolv_text(result->dns), "nameserver 10.9.0.1\nsearch shop\noptions ndots:2\n");
  EXPECT_EQ(address_in(result->text, endpoint.address)->length, 16U);
  EXPECT_EQ(to_string(*address_in(result->text, endpoint.address)->gateway), "10.9.0.1");
  EXPECT_FALSE(address_in("", endpoint.address).has_value());
}

TEST(CniResult, AnAddressWithoutAnInterfaceIsTheContainers) {
  Endpoint endpoint;
  endpoint.address = config::parse_ip("10.0.0.9").value();
  apply_result(parse_result(R"({"ips": [{"address": "10.1.0.7/24"}]})", "1.0.0", "p").value(), endpoint);
  EXPECT_EQ(to_string(endpoint.address), "10.1.0.7");
  apply_result(parse_result("{}", "1.0.0", "p").value(), endpoint);
  EXPECT_EQ(endpoint.address, IpAddress{}) << "a plugin without addresses gives none";
}

TEST(CniResult, WhatIsNoneIsAnError) {
  for (const char* wrong :
       {"", "null", "[]", R"({"ips": 1})", R"({"ips": [1]})", R"({"ips": [{}]})",
        R"({"ips": [{"address": "10.0.0.1"}]})", R"({"ips": [{"address": "10.0.0.1/33"}]})",
        R"({"ips": [{"address": "10.0.0.1/8x"}]})", R"({"ips": [{"address": "x/8"}]})",
        R"({"ips": [{"address": "10.0.0.1/8", "interface": 0}]})",
        R"({"ips": [{"address": "10.0.0.1/8", "interface": -1}], "interfaces": [{}]})",
        R"({"ips": [{"address": "10.0.0.1/8", "gateway": "gate"}]})", R"({"interfaces": [{"name": 1}]})",
        R"({"dns": []})", R"({"dns": {"nameservers": "10.0.0.1"}})", R"({"routes": {}})",
        R"({"dns": {"nameservers": ["10.0.0.1\nsearch evil"]}})", R"({"dns": {"domain": "a b"}})"}) {
    const auto read = parse_result(wrong, "1.0.0", "plugin p");
    ASSERT_FALSE(read.has_value()) << wrong;
    EXPECT_EQ(read.error().what.find("plugin p"), 0U) << read.error().what;
  }
}

TEST(CniResult, AFailureIsOneSentence) {
  EXPECT_EQ(failure_of(R"({"cniVersion": "1.0.0", "code": 11, "msg": "no room", "details": "all 3 taken"})", "", 1),
            "no room, all 3 taken (code 11: try again later)");
  EXPECT_EQ(failure_of(R"({"code": 999, "msg": "a\nb"})", "", 1), "a b (code 999)");
  EXPECT_EQ(failure_of("", "Segmentation\nfault\n", 2), "it ended with 2 and said \"Segmentation fault\"");
  EXPECT_EQ(failure_of("oops", "", 1), "it ended with 1 and said \"oops\"");
  EXPECT_EQ(failure_of("", "", 3), "it ended with 3 and said nothing");
  EXPECT_LT(failure_of(std::string(100000, 'x'), "", 3).size(), 400U);
}

TEST(CniAttachment, ComesBackAsItWas) {
  Attachment attachment{"uid", "/run/netns/uid", "eth1", "A=b;C=d", {{"ips", "[\"10.0.0.1\"]"}}, kShop, "0.4.0", "{}"};
  EXPECT_EQ(parse_attachment(to_json(attachment)).value(), attachment);
  attachment.result.clear();
  attachment.offers.clear();
  EXPECT_EQ(parse_attachment(to_json(attachment)).value(), attachment);
  const std::string good = to_json(attachment);
  for (std::size_t cut = 0; cut + 2 < good.size(); ++cut)
    EXPECT_FALSE(parse_attachment(good.substr(0, cut)).has_value());
}

}  // namespace
}  // namespace mete::runtime::network::cni
