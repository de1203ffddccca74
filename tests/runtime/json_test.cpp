// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/json_numbers.h"
#include "runtime/ordered_json.h"

namespace mete::runtime {
namespace {

using Json = nlohmann::ordered_json;

std::string members(int count, int different) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (text.empty() ? "\"" : ",\"") + std::to_string(i % different) + "\":" + std::to_string(i);
  return "{" + text + "}";
}

TEST(ParseOrdered, IsWhatTheLibraryReads) {
  std::vector<std::string> texts = {"",
                                    "null",
                                    "true",
                                    "-0",
                                    "18446744073709551615",
                                    "1.5e300",
                                    "\"a\\u00e9\"",
                                    "[]",
                                    "{}",
                                    "[[],{}]",
                                    " [1, 2] ",
                                    R"({"b":1,"a":{"c":[{"d":null},{"d":2}]},"b":[3]})",
                                    "{\"a\":1",
                                    "[1,]",
                                    "[1]]",
                                    "{\"a\"}",
                                    "\"\xff\"",
                                    "1e999",
                                    "[1e999]",
                                    "{\"\":{\"\":{}}}",
                                    std::string("[\0]", 3),
                                    R"({"a":1}x)"};
  for (const int count : {1, 15, 16, 17, 18, 40}) {
    texts.push_back(members(count, count));
    texts.push_back(members(count, 7));
    texts.push_back(members(count, 16));
    texts.push_back("[" + members(count, 20) + "," + members(count, 20) + "]");
  }
  for (const std::string& text : texts) {
    const Json expected = Json::parse(text, nullptr, false);
    const Json found = parse_ordered(text);
    ASSERT_EQ(found.is_discarded(), expected.is_discarded()) << text;
    if (!found.is_discarded()) {
      EXPECT_EQ(found.dump(), expected.dump()) << text;
    }
  }
}

TEST(ParseOrdered, NestingTakesNoStack) {
  constexpr std::size_t kDeep = 1'000'000;
  EXPECT_TRUE(parse_ordered(std::string(kDeep, '[') + std::string(kDeep, ']')).is_array());
  EXPECT_TRUE(parse_ordered(std::string(kDeep, '[')).is_discarded());
}

// A member that is compared with all before it makes of these 10 MB an hour.
TEST(ParseOrdered, AnObjectMayHaveAMillionMembers) {
  constexpr int kMany = 1'000'000;
  const Json object = parse_ordered(members(kMany, kMany));
  ASSERT_EQ(object.size(), static_cast<std::size_t>(kMany));
  EXPECT_EQ(object.back(), kMany - 1);
}

TEST(EmptyObjects, AreInTheOrderOfTheSet) {
  EXPECT_EQ(empty_objects({}).dump(), "{}");
  EXPECT_EQ(empty_objects({"b", "a"}).dump(), R"({"a":{},"b":{}})");
}

template <class T>
std::string refusal(const char* text, T least = std::numeric_limits<T>::min()) {
  try {
    return std::to_string(whole_number<T>(nlohmann::json::parse(text), least));
  } catch (const nlohmann::json::exception& error) {
    return error.what();
  }
}

TEST(WholeNumber, IsTheOneThatWasWrittenOrAnError) {
  EXPECT_EQ(refusal<std::int64_t>("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(refusal<std::int64_t>("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(refusal<std::uint32_t>("4294967295"), "4294967295");
  EXPECT_EQ(refusal<int>("2", 0), "2");
  const auto refused = [](const std::string& text) {
    return text.find("expected a whole number from") != std::string::npos;
  };
  for (const char* text :
       {"9223372036854775808", "18446744073709551615", "1e300", "1.5", "2.0", "\"2\"", "null", "true", "[2]"})
    EXPECT_TRUE(refused(refusal<std::int64_t>(text))) << text;
  EXPECT_TRUE(refused(refusal<std::uint32_t>("-1")));
  EXPECT_TRUE(refused(refusal<int>("4294967298"))) << "cut to 32 bits it is 2";
  EXPECT_NE(refusal<std::int64_t>("-1", 0).find("found -1, expected a whole number from 0 to 9223372036854775807"),
            std::string::npos);
}

}  // namespace
}  // namespace mete::runtime
