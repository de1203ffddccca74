// SPDX-License-Identifier: Apache-2.0
// `network.overlay` of agent.yaml.
#include "config/model/agent_config.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

AgentConfigFile with_overlay(const std::string& overlay) {
  return read_agent_config("network:\n  overlay: " + overlay + "\n", "agent.yaml");
}

TEST(OverlayConfig, IsNotSetByDefault) {
  EXPECT_FALSE(read_agent_config("network: {icc: false}", "agent.yaml").config.network.overlay.is_set());
}

TEST(OverlayConfig, HasDefaults) {
  const auto file = with_overlay("{etcd: {endpoints: ['http://192.0.2.9:2379']}}");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const OverlayPolicy& overlay = file.config.network.overlay;
  EXPECT_TRUE(overlay.is_set());
  EXPECT_EQ(overlay.endpoints, (std::vector<std::string>{"http://192.0.2.9:2379"}));
  EXPECT_EQ(overlay.prefix, "/mete/");
  EXPECT_EQ(overlay.port, 4789);
  EXPECT_EQ(overlay.tunnel_port, 14789);
  EXPECT_EQ(overlay.ttl, std::chrono::seconds(60));
  EXPECT_FALSE(overlay.advertise.has_value());
}

TEST(OverlayConfig, ReadsEverything) {
  const auto file = with_overlay(
      "{etcd: {endpoints: ['https://a:2379', 'https://[2001:db8::9]:2379'], caFile: ca, certFile: c, keyFile: k,"
      " username: mete, passwordFile: p, prefix: /site/}, advertise: '2001:db8::1', port: 8472, wireguardPort: 51820, "
      "ttl: 1m}");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const OverlayPolicy& overlay = file.config.network.overlay;
  EXPECT_EQ(overlay.endpoints.size(), 2U);
  EXPECT_EQ(overlay.ca_file + overlay.cert_file + overlay.key_file, "cack");
  EXPECT_EQ(overlay.username + overlay.password_file, "metep");
  EXPECT_EQ(overlay.prefix, "/site/");
  EXPECT_EQ(overlay.advertise, parse_ip("2001:db8::1"));
  EXPECT_EQ(overlay.port, 8472);
  EXPECT_EQ(overlay.tunnel_port, 51820);
}

TEST(OverlayConfig, WhatCannotBeIsOneError) {
  for (const std::string wrong :
       {"{}", "{etcd: {}}", "{etcd: {endpoints: []}}", "{etcd: {endpoints: ['192.0.2.9:2379']}}",
        "{etcd: {endpoints: ['http://a/path']}}", "{etcd: {endpoints: ['http://a:1'], caFile: x}}",
        "{etcd: {endpoints: ['https://a:1'], certFile: x}}", "{etcd: {endpoints: ['http://a:1'], username: x}}",
        "{etcd: {endpoints: ['http://a:1']}, advertise: here}", "{etcd: {endpoints: ['http://a:1']}, port: 0}",
        "{etcd: {endpoints: ['http://a:1']}, wireguardPort: 4789}",
        "{etcd: {endpoints: ['http://a:1']}, wireguardPort: 70000}", "{etcd: {endpoints: ['http://a:1']}, ttl: 1s}",
        "{etcd: {endpoints: ['http://a:1']}, ttl: 2h}"})
    EXPECT_EQ(with_overlay(wrong).errors.size(), 1U) << wrong << "\n" << joined(with_overlay(wrong).errors);
}

}  // namespace
}  // namespace mete::config
