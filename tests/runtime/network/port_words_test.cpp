// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/port_words.h"

#include <gtest/gtest.h>

namespace mete::runtime::network {
namespace {

using config::Protocol;

// Each as to_string() writes it.
std::vector<std::string> read(const char* text) {
  std::vector<std::string> all;
  const auto parsed = parse_port_words(text);
  if (!parsed) return {parsed.error().what};
  for (const auto& each : *parsed) all.push_back(to_string(each));
  return all;
}
using Ports = std::vector<std::string>;

TEST(PortWords, AreDockers) {
  EXPECT_EQ(parse_port_words("8080:80").value(),
            (std::vector<WantedPort>{{Protocol::kTcp, std::nullopt, 8080, 8080, 80}}));
  EXPECT_EQ(parse_port_words("127.0.0.1:8080:80/udp").value(),
            (std::vector<WantedPort>{{Protocol::kUdp, config::parse_ip("127.0.0.1"), 8080, 8080, 80}}));
  EXPECT_EQ(parse_port_words("[fd00::1]:53:5353/sctp").value(),
            (std::vector<WantedPort>{{Protocol::kSctp, config::parse_ip("fd00::1"), 53, 53, 5353}}));
  EXPECT_EQ(read("80"), Ports{"80/tcp"}) << "any free port of the machine";
  EXPECT_EQ(read("127.0.0.1::80"), Ports{"127.0.0.1::80/tcp"});
  EXPECT_EQ(read("0.0.0.0:1:2"), Ports{"1:2/tcp"}) << "all addresses";
  EXPECT_EQ(read("[::]:1:2"), Ports{"1:2/tcp"});
}

TEST(PortWords, RangesGiveAPortEachOrAChoice) {
  EXPECT_EQ(read("8000-8002:80-82"), (Ports{"8000:80/tcp", "8001:81/tcp", "8002:82/tcp"}));
  EXPECT_EQ(read("80-81"), (Ports{"80/tcp", "81/tcp"}));
  EXPECT_EQ(read("8000-8002:80"), Ports{"8000-8002:80/tcp"});
  EXPECT_EQ(read("192.0.2.1:65534-65535:1-2/udp"), (Ports{"192.0.2.1:65534:1/udp", "192.0.2.1:65535:2/udp"}));
}

TEST(PortWords, WhatTheyWriteTheyRead) {
  for (const char* text : {"80/tcp", "8080:80/tcp", "127.0.0.1::80/udp", "[fd00::1]:1:2/tcp", "8000-8010:80/sctp"})
    EXPECT_EQ(read(text), Ports{text});
}

TEST(PortWords, AreRefusedWithWhatWasExpected) {
  for (const char* text : {"",
                           ":",
                           "0:80",
                           "80:0",
                           "65536:80",
                           "a:80",
                           "8080:",
                           ":80",
                           "8-7:8-7",
                           "8000-8001:80-82",
                           "1:2:3:4",
                           "fd00::1:80:80",
                           "[10.0.0.1]:80:80",
                           "127.0.0.1:80",
                           "80/icmp",
                           "80/",
                           " 80",
                           "80-",
                           "-80",
                           "+80:80"}) {
    const auto parsed = parse_port_words(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().what.find("found \"" + std::string(text) + "\", expected "), std::string::npos)
        << parsed.error().what;
  }
}

}  // namespace
}  // namespace mete::runtime::network
