// SPDX-License-Identifier: Apache-2.0
#include "config/values/quantity.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace mete::config {
namespace {

using namespace std::chrono_literals;

TEST(Quantity, Bytes) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0", 0},
      {"104960000", 104960000},
      {"128Mi", 134217728},
      {"1G", 1000000000},
      {"1Gi", 1073741824},
      {"0.5Gi", 536870912},
      {".5Ki", 512},
      {"5.", 5},
      {"1e3", 1000},
      {"1E3", 1000},
      {"1e+3", 1000},
      {"1500e-3", 2},
      {"1E", 1000000000000000000},
      {"1Ei", 1152921504606846976},
      {"7Ei", 8070450532247928832},
      {"1k", 1000},
      {"1M", 1000000},
      {"1T", 1000000000000},
      {"1P", 1000000000000000},
      {"1Ki", 1024},
      {"1Ti", 1099511627776},
      {"1Pi", 1125899906842624},
      {"+1", 1},
      {"-5Mi", -5242880},
      {"100m", 1},
      {"1001m", 2},
      {"1n", 1},
      {"2000000u", 2},
      {"1e-99", 1},
      {"0e99", 0},
      {"0.1Ki", 103},
      {"1.0000000000000000001Ei", 1152921504606846977},
      {"9223372036854775807", 9223372036854775807},
      {"000000000000000000000000000001", 1},
  };
  for (const auto& [text, expected] : cases) {
    const auto bytes = parse_bytes(text);
    ASSERT_TRUE(bytes.has_value()) << text << ": " << bytes.error().what;
    EXPECT_EQ(bytes->count(), expected) << text;
  }
}

TEST(Quantity, Cpu) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"100m", 100}, {"0.1", 100}, {"1", 1000},     {"1e3", 1000000}, {"1.5", 1500},   {"0.0001", 1},    {"1u", 1},
      {"1n", 1},     {"1500u", 2}, {"2k", 2000000}, {"0", 0},         {"-100m", -100}, {"1Ki", 1024000},
  };
  for (const auto& [text, expected] : cases) {
    const auto cpu = parse_cpu(text);
    ASSERT_TRUE(cpu.has_value()) << text;
    EXPECT_EQ(cpu->count(), expected) << text;
  }
}

TEST(Quantity, RubbishIsRefused) {
  for (const std::string text : {"",    " ",    ".",     "-",    "+",   "m",   "Mi",    "1 Mi", " 1",    "1 ",
                                 "1mi", "1KI",  "1K",    "1ki",  "1e",  "1e+", "1Mib",  "1MB",  "1..2",  "1.2.3",
                                 "--1", "0x10", "1e1e1", "1Ei3", "nan", "inf", "1_000", "1,5",  "12Mi\n"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
    EXPECT_FALSE(parse_cpu(text).has_value()) << text;
    EXPECT_FALSE(parse_count(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_bytes(std::string("1\0", 2)).has_value());
}

TEST(Quantity, OverflowIsRefused) {
  for (const std::string text :
       {"9223372036854775808", "8Ei", "10E", "1e19", "1e99", "1e999999999999", "99999999999P"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_cpu("9223372036854775807").has_value()) << "it is in thousandths";
  EXPECT_FALSE(parse_bytes(std::string(100'000, '1')).has_value());
}

TEST(Quantity, ErrorsSayWhatWasFoundAndExpected) {
  EXPECT_EQ(parse_bytes("12MB").error().what,
            "found \"12MB\", expected bytes such as \"128Mi\", \"1G\" or \"104960000\"");
}

TEST(Quantity, Counts) {
  EXPECT_EQ(*parse_count("256"), 256);
  EXPECT_EQ(*parse_count("2k"), 2000);
}

TEST(Duration, Read) {
  const std::vector<std::pair<std::string, std::chrono::nanoseconds>> cases = {
      {"50ms", 50ms},   {"10s", 10s}, {"1m", 1min}, {"2h", 2h},  {"1m30s", 90s},   {"1.5h", 90min},
      {"250us", 250us}, {"7ns", 7ns}, {"0s", 0s},   {"1d", 24h}, {"0.5ms", 500us},
  };
  for (const auto& [text, expected] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration.has_value()) << text;
    EXPECT_EQ(*duration, expected) << text;
  }
  for (const std::string text : {"", "5", "s", "-1s", "1 s", "1x", "1.5ns", "300y", "99999999h99999999h", "1s2"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(Ratio, PercentagesAndFactors) {
  EXPECT_EQ(*parse_percent("25%"), Ratio(250'000));
  EXPECT_EQ(*parse_percent("12.5%"), Ratio(125'000));
  EXPECT_EQ(*parse_percent("300%"), Ratio(3'000'000));
  EXPECT_EQ(*parse_factor("1.2"), Ratio(1'200'000));
  for (const std::string text : {"", "%", "25", "-1%", "25 %", "0.000001%", "1e2%"}) {
    EXPECT_FALSE(parse_percent(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_factor("1.2%").has_value());
}

}  // namespace
}  // namespace mete::config
