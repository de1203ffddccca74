// SPDX-License-Identifier: Apache-2.0
// What pods ask of CNI plugins, and the records of networks that are no bridges.
#include "agent/networks/cni/cni_offers.h"

#include <gtest/gtest.h>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

using config::parse_ip;
using runtime::network::Driver;
using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

config::Pod web() {
  config::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  return pod;
}

TEST(CniOffers, AreWhatThePodAsksFor) {
  config::Pod pod = web();
  pod.spec.dns = config::DnsConfig{{"192.0.2.53"}, {"shop.test"}, {{"ndots", "3"}, {"rotate", ""}}};
  Endpoint endpoint;
  endpoint.names = {"shop/web", "web", "front"};
  endpoint.ports = {{config::Protocol::kTcp, {}, 8080, 80}, {config::Protocol::kSctp, parse_ip("192.0.2.1"), 9, 10}};
  endpoint.bandwidth = {125'000, 0};
  endpoint.mac = {2, 0, 0, 0, 0, 9};
  const auto offers = offers_of(pod, endpoint, "10.0.0.9").value();
  const std::map<std::string, std::string> expected = {
      {"portMappings", R"([{"containerPort":80,"hostPort":8080,"protocol":"tcp"},)"
                       R"({"containerPort":10,"hostIP":"192.0.2.1","hostPort":9,"protocol":"sctp"}])"},
      {"bandwidth", R"({"ingressBurst":524288,"ingressRate":1000000})"},
      {"mac", R"("02:00:00:00:00:09")"},
      {"ips", R"(["10.0.0.9"])"},
      {"dns", R"({"options":["ndots:3","rotate"],"searches":["shop.test"],"servers":["192.0.2.53"]})"},
      {"aliases", R"(["web","front"])"}};
  EXPECT_EQ(offers.all, expected);
  EXPECT_EQ(offers.needed, (std::set<std::string>{"bandwidth", "ips", "mac", "portMappings"}))
      << "names may be left out, what was promised may not";
}

TEST(CniOffers, NothingIsOfferedWhereNothingIsAskedFor) {
  Endpoint endpoint;
  endpoint.names = {"shop/web"};
  const auto offers = offers_of(web(), endpoint, "").value();
  EXPECT_TRUE(offers.all.empty() && offers.needed.empty());
  EXPECT_FALSE(offers_of(web(), endpoint, "x;rm").has_value());
}

TEST(CniOffers, ArgumentsAreThoseOfKubernetes) {
  const std::string expected =
      "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=u1;K8S_POD_UID=u1";
  EXPECT_EQ(arguments_of(web(), "u1"), expected);
  Endpoint endpoint;
  endpoint.names = {"shop/web"};
  EXPECT_EQ(arguments_of(endpoint, "u1"), expected);
}

TEST(NetworkRecord, OtherDriversComeBackAsTheyWere) {
  NetworkSpec network;
  network.name = "lan";
  network.driver = Driver::kMacvlan;
  network.range = config::parse_range("192.0.2.0/24").value();
  network.range6 = config::parse_range("fd00::/64").value();
  network.gateway = parse_ip("192.0.2.254");
  network.gateway6 = parse_ip("fd00::fe");
  network.part = config::parse_range("192.0.2.128/25").value();
  network.reserved = {{"host", *parse_ip("192.0.2.1")}};
  network.mtu = 0;
  network.underlay = {"eth0.10", true, "vepa", ""};
  EXPECT_EQ(parse_network(to_json(network)).value(), network);
  network.driver = Driver::kIpvlan;
  network.underlay = {"eth0", false, "l3s", "private"};
  EXPECT_EQ(parse_network(to_json(network)).value(), network);
  NetworkSpec plugins;
  plugins.name = "shop";
  plugins.driver = Driver::kCni;
  plugins.configuration = "other";
  EXPECT_EQ(parse_network(to_json(plugins)).value(), plugins);
  std::string unknown = to_json(plugins);
  unknown.replace(unknown.find("\"cni\""), 5, "\"xyz\"");
  EXPECT_FALSE(parse_network(unknown).has_value());
}

TEST(EndpointRecord, TheAnswerOfPluginsIsKept) {
  Endpoint endpoint;
  endpoint.network = "shop";
  endpoint.answer = R"({"ips": []})";
  EXPECT_EQ(parse_endpoint(to_json(endpoint)).value(), endpoint);
}

TEST(CanPublish, OnADeviceNothingLeadsToAPod) {
  NetworkSpec network;
  network.name = "lan";
  network.driver = Driver::kMacvlan;
  const std::vector<runtime::network::PublishedPort> ports = {{config::Protocol::kTcp, {}, 80, 80}};
  EXPECT_FALSE(can_publish(network, ports).has_value());
  EXPECT_TRUE(can_publish(network, {}).has_value());
  network.driver = Driver::kCni;
  EXPECT_TRUE(can_publish(network, ports).has_value()) << "the plugins say whether they can";
}

}  // namespace
}  // namespace mete::agent
