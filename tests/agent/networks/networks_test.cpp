// SPDX-License-Identifier: Apache-2.0
// What the agent remembers of networks, the ports it claims, and the questions for names that it reads.
#include "agent/networks/networks.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/networks/dns/dns_message.h"
#include "agent/networks/endpoint_record.h"
#include "agent/networks/port_claims.h"

namespace mete::agent {
namespace {

using config::parse_ip;
using runtime::network::Endpoint;
using runtime::network::NetworkSpec;
using runtime::network::PublishedPort;

TEST(EndpointRecord, ComesBackAsItWas) {
  Endpoint endpoint;
  endpoint.network = "shop";
  endpoint.device = "mte0000abcd";
  endpoint.address = *parse_ip("10.77.3.4");
  endpoint.mac = runtime::network::mac_of(endpoint.address);
  endpoint.names = {"default/web", "web"};
  endpoint.ports = {{config::Protocol::kTcp, {}, 8080, 80}, {config::Protocol::kSctp, parse_ip("::1"), 9, 10}};
  EXPECT_EQ(parse_endpoint(to_json(endpoint)).value(), endpoint);
  endpoint.address6 = parse_ip("fd00::4");
  EXPECT_EQ(parse_endpoint(to_json(endpoint)).value(), endpoint);
  endpoint.bandwidth = {1, 5'000'000'000};
  EXPECT_EQ(parse_endpoint(to_json(endpoint)).value(), endpoint);
  endpoint.inside = "eth1";
  endpoint.shared = true;
  EXPECT_EQ(parse_endpoint(to_json(endpoint)).value(), endpoint);
  NetworkSpec network;
  network.name = "shop";
  network.device = "mtb00000001";
  network.range = config::parse_range("10.91.0.0/24").value();
  network.range6 = config::parse_range("fd00::/64").value();
  network.internal = true;
  network.between_containers = false;
  network.labels = {{"a", "b"}, {"c", ""}};
  EXPECT_EQ(parse_network(to_json(network)).value(), network);
}

TEST(EndpointRecord, WhatIsNoneIsAnError) {
  Endpoint endpoint;
  endpoint.device = "d";
  const std::string good = to_json(endpoint);
  EXPECT_TRUE(parse_endpoint(good).has_value());
  for (std::size_t cut = 0; cut + 2 < good.size(); ++cut) EXPECT_FALSE(parse_endpoint(good.substr(0, cut)).has_value());
  for (const auto& [from, to] : {std::pair("0.0.0.0", "0.0.0.x"), std::pair("00:00:00:00:00:00", "00:00")}) {
    std::string wrong = good;
    wrong.replace(wrong.find(from), std::string(from).size(), to);
    EXPECT_FALSE(parse_endpoint(wrong).has_value()) << wrong;
  }
}

TEST(PublishedPorts, AreThoseWithAPortOfTheMachine) {
  config::Pod pod;
  config::Container container;
  container.ports = {{80, 8080, config::Protocol::kTcp, ""},
                     {81, 0, config::Protocol::kTcp, ""},
                     {53, 53, config::Protocol::kUdp, "127.0.0.1"},
                     {82, 82, config::Protocol::kTcp, "0.0.0.0"}};
  pod.spec.containers = {container};
  const std::vector<PublishedPort> expected = {{config::Protocol::kTcp, {}, 8080, 80},
                                               {config::Protocol::kUdp, parse_ip("127.0.0.1"), 53, 53},
                                               {config::Protocol::kTcp, {}, 82, 82}};
  EXPECT_EQ(published_ports(pod), expected);
  pod.spec.host_network = true;
  EXPECT_TRUE(published_ports(pod).empty()) << "they are the machine's already";
}

TEST(Bandwidth, IsOfTheAnnotations) {
  config::Pod pod;
  EXPECT_TRUE(asked_bandwidth(pod).empty());
  EXPECT_EQ(bandwidth_of(asked_bandwidth(pod)), runtime::network::Bandwidth{});
  pod.metadata.annotations = {{"kubernetes.io/ingress-bandwidth", "10M"},
                              {"kubernetes.io/egress-bandwidth", "1Gi"},
                              {"mete/bandwidth-burst", "256Ki"}};
  EXPECT_EQ(bandwidth_of(asked_bandwidth(pod)), (runtime::network::Bandwidth{1'250'000, 134'217'728, 262'144}));
}

TEST(PublishedPorts, WhatWouldNotArriveIsRefused) {
  NetworkSpec network;
  network.name = "shop";
  const auto at = [](const char* address) {
    return std::vector<PublishedPort>{{config::Protocol::kTcp, parse_ip(address), 80, 8080}};
  };
  const auto refusal = [&](const std::vector<PublishedPort>& ports) {
    const auto can = can_publish(network, ports);
    return can ? std::string() : can.error().what;
  };
  EXPECT_EQ(refusal(at("127.0.0.1")), "");
  EXPECT_NE(refusal(at("fd00::1")).find("has no IPv6 addresses"), std::string::npos);
  network.range6 = config::parse_range("fd00:90::/64").value();
  EXPECT_EQ(refusal(at("fd00::1")), "");
  EXPECT_NE(refusal(at("::1")).find("found ::1"), std::string::npos);
  network.internal = true;
  EXPECT_NE(refusal(at("127.0.0.1")).find("which is internal"), std::string::npos);
  EXPECT_EQ(refusal({}), "");
}

class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_.get(), 1), 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void close() { socket_.reset(); }

 private:
  runtime::UniqueFd socket_;
  std::uint16_t port_ = 0;
};

TEST(PortClaims, ATakenPortIsAnErrorThatChangesNothing) {
  Listener other;
  PortClaims claims;
  const PublishedPort taken{config::Protocol::kTcp, parse_ip("127.0.0.1"), other.port(), 80};
  const auto refused = claims.claim("a", "default/a", {taken});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("taken by another program"), std::string::npos) << refused.error().what;
  other.close();
  EXPECT_TRUE(claims.claim("a", "default/a", {taken}).has_value());
  EXPECT_TRUE(claims.claim("a", "default/a", {taken}).has_value()) << "it has it already";
  const auto second = claims.claim("b", "default/b", {taken});
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().what.find("published for pod default/a"), std::string::npos) << second.error().what;
  EXPECT_TRUE(claims.claim("a", "default/a", {}).has_value()) << "given up";
  EXPECT_TRUE(claims.claim("b", "default/b", {taken}).has_value());
  claims.give_up("b");
  EXPECT_TRUE(claims.claim("a", "default/a", {taken}).has_value());
}

std::string question_about(const std::string& name, std::uint16_t type) {
  std::string packet("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  std::size_t begin = 0;
  while (begin < name.size()) {
    const auto dot = std::min(name.find('.', begin), name.size());
    packet += static_cast<char>(dot - begin);
    packet += name.substr(begin, dot - begin);
    begin = dot + 1;
  }
  packet += '\0';
  packet += static_cast<char>(type >> 8U);
  packet += static_cast<char>(type & 0xFFU);
  return packet + std::string("\x00\x01", 2);
}

TEST(Dns, AQuestionIsRead) {
  const auto question = dns::parse_question(question_about("Web.Default", dns::kTypeA));
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->name, "web.default");
  EXPECT_EQ(question->type, dns::kTypeA);
  EXPECT_EQ(question->id, 0x1234);
}

TEST(Dns, WhatIsNoQuestionIsNotAnswered) {
  const std::string good = question_about("web.default", dns::kTypeA);
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(dns::parse_question(good.substr(0, cut)).has_value());
  std::string answer = good;
  answer[2] = '\x80';
  EXPECT_FALSE(dns::parse_question(answer).has_value()) << "an answer, which would be answered for ever";
  std::string two = good;
  two[5] = '\x02';
  EXPECT_FALSE(dns::parse_question(two).has_value());
  std::string pointer = good;
  pointer[12] = '\xC0';
  EXPECT_FALSE(dns::parse_question(pointer).has_value());
  std::string longest;
  for (int i = 0; i < 6; ++i) longest += (i > 0 ? "." : "") + std::string(60, 'a');
  EXPECT_FALSE(dns::parse_question(question_about(longest, dns::kTypeA)).has_value());
}

TEST(Dns, AnAnswerHasTheAddressesOfItsType) {
  const std::string packet = question_about("web", dns::kTypeA);
  const auto question = dns::parse_question(packet);
  const std::vector<config::IpAddress> both = {*parse_ip("10.77.0.2"), *parse_ip("fd00::2")};
  const std::string answer = dns::answer(packet, *question, both);
  EXPECT_TRUE(dns::answers(answer, 0x1234, packet));
  EXPECT_FALSE(dns::answers(answer, 0x1235, packet));
  EXPECT_FALSE(dns::answers(answer, 0x1234, question_about("other", dns::kTypeA)));
  EXPECT_EQ(answer.substr(answer.size() - 4), std::string("\x0A\x4D\x00\x02", 4));
  EXPECT_EQ(static_cast<int>(answer[7]), 1);
  const std::string mail = question_about("web", 15);
  const std::string none = dns::answer(mail, *dns::parse_question(mail), both);
  EXPECT_EQ(static_cast<int>(none[7]), 0) << "the name exists, without such a record";
  EXPECT_EQ(static_cast<int>(none[3]) & 0x0F, 0);
}

TEST(Dns, AnAliasIsAnsweredWithItsAddresses) {
  const std::string packet = question_about("far", dns::kTypeA);
  const auto question = dns::parse_question(packet);
  const std::vector<config::IpAddress> both = {*parse_ip("192.0.2.9"), *parse_ip("fd00::2")};
  const std::string answer = dns::answer(packet, *question, both, "db.example.org");
  EXPECT_EQ(static_cast<int>(answer[7]), 2) << "the alias, and one address of the type";
  EXPECT_NE(answer.find(std::string("\x02") + "db\x07" + "example\x03org", 0), std::string::npos);
  EXPECT_EQ(dns::addresses_in(answer), std::vector<config::IpAddress>{both[0]});
  for (std::size_t cut = 0; cut < answer.size(); ++cut) EXPECT_TRUE(dns::addresses_in(answer.substr(0, cut)).empty());
  const auto instead = dns::parse_question(dns::ask_instead(packet, "db.example.org"));
  ASSERT_TRUE(instead.has_value());
  EXPECT_EQ(instead->name, "db.example.org");
  EXPECT_EQ(instead->type, dns::kTypeA);
  EXPECT_EQ(instead->id, question->id);
}

TEST(Dns, TheMachinesServersAreRead) {
  const auto servers =
      dns::servers_of("# nameserver 1.1.1.1\nnameserver 192.0.2.1\nsearch a\nnameserver fd00::1\nnameserver x\n");
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(to_string(servers[0]), "192.0.2.1");
  EXPECT_EQ(to_string(servers[1]), "fd00::1");
}

}  // namespace
}  // namespace mete::agent
