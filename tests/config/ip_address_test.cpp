// SPDX-License-Identifier: Apache-2.0
#include "config/values/ip_address.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

IpRange range(const char* text) {
  const auto parsed = parse_range(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(IpRange{});
}

TEST(IpAddress, IsReadAndWritten) {
  for (const char* text : {"10.77.0.1", "0.0.0.0", "255.255.255.255", "fd00::1", "::"}) {
    const auto address = parse_ip(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  for (const char* text : {"", "10.77.0", "10.77.0.1/16", "10.077.0.256", "::g", "localhost", " 10.0.0.1"})
    EXPECT_FALSE(parse_ip(text).has_value()) << text;
}

TEST(IpRange, IsReadAndWritten) {
  for (const char* text : {"10.77.0.0/16", "0.0.0.0/0", "10.77.0.1/32", "fd00:77::/64", "fd00::/127", "10.77.12.0/23"})
    EXPECT_EQ(to_string(range(text)), text);
  for (const char* text : {"10.77.0.0", "10.77.0.0/33", "fd00::/129", "10.77.0.0/-1", "10.77.0.0/", "10.77.0.0/1x"})
    EXPECT_FALSE(parse_range(text).has_value()) << text;
  const auto refused = parse_range("10.77.1.0/16");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("10.77.0.0/16"), std::string::npos) << refused.error().what;
}

TEST(IpRange, KnowsWhatIsInIt) {
  EXPECT_TRUE(contains(range("10.77.0.0/16"), *parse_ip("10.77.255.255")));
  EXPECT_FALSE(contains(range("10.77.0.0/16"), *parse_ip("10.78.0.0")));
  EXPECT_FALSE(contains(range("0.0.0.0/0"), *parse_ip("::1"))) << "of another kind";
  EXPECT_TRUE(contains(range("fd00:77::/62"), *parse_ip("fd00:77:0:3::9")));
  EXPECT_FALSE(contains(range("fd00:77::/62"), *parse_ip("fd00:77:0:4::9")));
  EXPECT_TRUE(overlap(range("10.0.0.0/8"), range("10.77.0.0/16")));
  EXPECT_TRUE(overlap(range("10.77.0.0/16"), range("10.0.0.0/8")));
  EXPECT_FALSE(overlap(range("10.76.0.0/16"), range("10.77.0.0/16")));
}

TEST(IpRange, CountsItsAddresses) {
  EXPECT_EQ(to_string(nth(range("10.77.0.0/16"), 258)), "10.77.1.2");
  EXPECT_EQ(to_string(nth(range("10.77.255.0/24"), 255)), "10.77.255.255");
  EXPECT_EQ(to_string(nth(range("fd00::/64"), 0xFFFF'FFFF)), "fd00::ffff:ffff");
  for (const std::uint64_t place : {0UL, 1UL, 255UL, 256UL, 65'535UL})
    EXPECT_EQ(offset_in(range("10.77.0.0/16"), nth(range("10.77.0.0/16"), place)), place);
  EXPECT_EQ(offset_in(range("fd00::/48"), *parse_ip("fd00::1:2:0:0:3")), (std::uint64_t{2} << 48U) + 3) << "of 64 bits";
}

}  // namespace
}  // namespace mete::config
