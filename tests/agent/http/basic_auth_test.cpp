// SPDX-License-Identifier: Apache-2.0
#include "agent/http/basic_auth.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

namespace mete::agent {
namespace {

TEST(BasicAuth, CredentialsAreTakenApart) {
  const auto found = basic_credentials("bAsIc YWxpY2U6aHVudGVyOjI=");  // alice:hunter:2
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "alice");
  EXPECT_EQ(found->password, "hunter:2");
  EXPECT_EQ(basic_credentials("Basic Og==")->user, "");
  // Bearer; no base64; no colon; a NUL (bcrypt would stop there); a line break.
  for (const char* wrong : {"", "Basic", "Basic ", "Bearer YWxpY2U6eA==", "Basic !!!!",
                            "Basic YWxpY2U=", "Basic YTpiAGM=", "Basic YTpiCg=="})
    EXPECT_FALSE(basic_credentials(wrong)) << wrong;
}

// "secret" at cost 4.
const std::string kSecret = "$2y$04$eHPOBNWvmlHQSfVNZvIYFOBHeyXH73mqn1Kqxdhjpc0YlY1Glj/.S";

// alice with another password each time.
std::string guess(std::size_t number) {
  const std::string text = "alice:guess" + std::to_string(1000 + number);  // 15 bytes: base64 without padding
  constexpr const char* kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string header = "Basic ";
  for (std::size_t i = 0; i + 2 < text.size(); i += 3) {
    const unsigned bits = static_cast<unsigned>(text[i]) << 16U | static_cast<unsigned>(text[i + 1]) << 8U |
                          static_cast<unsigned>(text[i + 2]);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) header += kAlphabet[bits >> shift & 63U];
  }
  return header;
}

class Checks : public testing::Test {
 protected:
  Admission ask(const std::string& authorization) {
    std::optional<Admission> got;
    auth.check(users, authorization, [&](Admission admission) { got = admission; });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!got && std::chrono::steady_clock::now() < end) loop.run_one_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(got);
    return got.value_or(Admission::kBusy);
  }
  asio::io_context loop;
  asio::executor_work_guard<asio::io_context::executor_type> work{
      loop.get_executor()};  // what a check makes comes from another thread
  BasicAuth auth{loop};
  WebUsers users = {{"alice", kSecret}};
};

constexpr const char* kRight = "Basic YWxpY2U6c2VjcmV0";     // alice:secret
constexpr const char* kWrongOne = "Basic YWxpY2U6c2VjcmV1";  // alice:secreu
constexpr const char* kNobody = "Basic Ym9iOnNlY3JldA==";    // bob:secret

TEST_F(Checks, RightWrongAndUnknown) {
  EXPECT_TRUE(bcrypt_matches("secret", kSecret));
  EXPECT_FALSE(bcrypt_matches("secre", kSecret));
  EXPECT_FALSE(bcrypt_matches("", "no hash"));
  EXPECT_EQ(ask(kRight), Admission::kYes);
  EXPECT_EQ(ask(kWrongOne), Admission::kNoCredentials);
  EXPECT_EQ(ask(kNobody), Admission::kNoCredentials);
  EXPECT_EQ(auth.checks(), 3U) << "an unknown user costs a check too";
  EXPECT_EQ(ask(kRight), Admission::kYes);
  EXPECT_EQ(ask(kWrongOne), Admission::kNoCredentials);
  EXPECT_EQ(ask(kNobody), Admission::kNoCredentials);
  EXPECT_EQ(auth.checks(), 3U) << "remembered";
  users["alice"] = "$2y$04$" + std::string(53, 'a');
  EXPECT_EQ(ask(kRight), Admission::kNoCredentials) << "another hash is another matter";
  EXPECT_EQ(ask(""), Admission::kNoCredentials);
  EXPECT_EQ(auth.checks(), 4U);
}

TEST_F(Checks, AHundredAtOnceAreOneCheck) {
  unsigned right = 0;
  for (int i = 0; i < 100; ++i)
    auth.check(users, kRight, [&](Admission admission) { right += admission == Admission::kYes ? 1 : 0; });
  while (right < 100 && loop.run_one_for(std::chrono::seconds(20)) > 0) {
  }
  EXPECT_EQ(right, 100U);
  EXPECT_EQ(auth.checks(), 1U);
}

TEST_F(Checks, GuessesDoNotPushOutWhoIsRight) {
  EXPECT_EQ(ask(kRight), Admission::kYes);
  for (std::size_t i = 0; i < BasicAuth::kRemembered + 10; ++i) ask(guess(i));
  const auto before = auth.checks();
  EXPECT_GT(before, BasicAuth::kRemembered);
  EXPECT_EQ(ask(kRight), Admission::kYes);
  EXPECT_EQ(auth.checks(), before);
}

TEST_F(Checks, TooManyWaitingAreTurnedAway) {
  users["alice"] = "$2y$09$" + std::string(53, 'a');  // 30 ms each
  unsigned busy = 0;
  for (std::size_t i = 0; i < BasicAuth::kMostWaiting + 8; ++i) {
    auth.check(users, guess(i), [&](Admission admission) { busy += admission == Admission::kBusy ? 1 : 0; });
  }
  EXPECT_EQ(busy, 8U);
}

TEST(BasicAuth, GoesWhileACheckIsBeingMade) {
  asio::io_context loop;
  const WebUsers users = {{"alice", "$2y$12$" + std::string(53, 'a')}};
  const auto begin = std::chrono::steady_clock::now();
  {
    BasicAuth auth(loop);
    auth.check(users, kRight, [](Admission) { ADD_FAILURE(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(150))
      << "a check of 250 ms is not waited for";
  loop.run_for(std::chrono::milliseconds(600));
}

}  // namespace
}  // namespace mete::agent
