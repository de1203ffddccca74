// SPDX-License-Identifier: Apache-2.0
// The rules that lead questions for names to the agent's socket in a container, as bytes.
#include "runtime/network/inner_resolver.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace mete::runtime::network {
namespace {

std::string hex_of(const std::vector<Message>& messages) {
  std::string text;
  for (const auto& message : messages) {
    for (const char each : message.bytes()) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(each));
      text += two;
    }
  }
  return text;
}

TEST(InnerResolver, QuestionsGoToThePortAndAnswersComeFrom53) {
  const std::string all = hex_of(inner_resolver_rules(0x1234));
  const std::string address = "7f00000b";
  EXPECT_NE(all.find(address), all.rfind(address)) << "of both directions";
  // A comparison with one port, then a value of the other one (NFTA_DATA_VALUE of 2 bytes, filled up).
  const auto data = [](const std::string& port) { return "06000100" + port + "0000"; };
  const auto asked = all.find(data("0035"));
  const auto led = all.find(data("1234"));
  ASSERT_NE(asked, std::string::npos) << all;
  ASSERT_NE(led, std::string::npos) << all;
  EXPECT_LT(asked, led);
  EXPECT_LT(all.find(data("1234"), led + 1), all.rfind(data("0035")));
}

}  // namespace
}  // namespace mete::runtime::network
