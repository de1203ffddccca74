// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/registry/challenge.h"
#include "runtime/registry/credentials.h"

namespace mete::runtime::registry {
namespace {

TEST(Challenge, ParametersAreRead) {
  const auto one = parse_challenges(
      R"(Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push")");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].scheme, "bearer");
  EXPECT_EQ(one[0].parameters.at("realm"), "https://auth.example/token");
  EXPECT_EQ(one[0].parameters.at("scope"), "repository:a/b:pull,push");
  const auto two = parse_challenges(R"(Basic realm="a \"b\", c" , BEARER Realm=x)");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].parameters.at("realm"), "a \"b\", c");
  EXPECT_EQ(two[1].scheme, "bearer");
  EXPECT_EQ(two[1].parameters.at("realm"), "x");
  EXPECT_EQ(best_challenge(R"(Basic realm="a", Bearer realm="b")")->scheme, "bearer");
  EXPECT_EQ(best_challenge("Negotiate, Basic realm=a")->scheme, "basic");
}

TEST(Challenge, WhatIsMalformedAsksForNothing) {
  for (const char* text : {"", ",,,", "=", "\"", "realm=\"x", "Digest realm=\"a\""})
    EXPECT_FALSE(best_challenge(text)) << text;
  EXPECT_TRUE(parse_challenges("Bearer realm=\"no end").at(0).parameters.empty());
}

TEST(Challenge, ATokenIsAskedForWithItsScopes) {
  const auto challenge = *best_challenge(R"(Bearer realm="https://a/t",service="s d")");
  EXPECT_EQ(token_url(challenge, {"repository:a/b:pull,push", "repository:c:pull"}, "me"),
            "https://a/t?account=me&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull&service=s%20d");
  EXPECT_EQ(token_url(*best_challenge(R"(Bearer realm="https://a/t?x=y")"), {}, ""), "https://a/t?x=y");
}

TEST(Challenge, TokensAreRead) {
  EXPECT_EQ(parse_token(R"({"token":"abc"})")->token, "abc");
  EXPECT_EQ(parse_token(R"({"token":"abc"})")->expires_in, 60);
  EXPECT_EQ(parse_token(R"({"access_token":"x.y","expires_in":300})")->token, "x.y");
  EXPECT_EQ(parse_token(R"({"token":"","access_token":"x","expires_in":1e9})")->expires_in, 60);
  EXPECT_EQ(parse_token(R"({"token":"x","expires_in":-5})")->expires_in, 1);
  EXPECT_EQ(parse_token(R"({"token":"x","expires_in":18446744073709551615})")->expires_in, 86400);
  // A line break would be a header of its own.
  for (const char* wrong : {"", "[]", "{}", R"({"token":7})", R"({"token":"a\r\nX: y"})"})
    EXPECT_FALSE(parse_token(wrong)) << wrong;
}

TEST(Logins, AreFoundAsDockerKeepsThem) {
  const char* const config = R"({"auths": {
    "https://index.docker.io/v1/": {"auth": "bWU6c2VjcmV0OndpdGg="},
    "r.example:5000": {"username": "u", "password": "p"},
    "https://old.example/v1/": {"auth": "YTpi"},
    "token.example": {"auth": "PHRva2VuPjo=", "identitytoken": "T"},
    "empty.example": {}}})";
  const auto login = [&](const char* host) { return find_login(config, host)->value().login; };
  EXPECT_EQ(login("docker.io"), (Login{"me", "secret:with", ""}));
  EXPECT_EQ(login("r.example:5000"), (Login{"u", "p", ""}));
  EXPECT_EQ(login("old.example"), (Login{"a", "b", ""}));
  EXPECT_EQ(login("token.example").identity_token, "T");
  EXPECT_EQ(find_login(config, "empty.example").value(), std::nullopt);
  EXPECT_EQ(find_login(config, "r.example").value(), std::nullopt);
  EXPECT_EQ(find_login("", "r.example").value(), std::nullopt);
  EXPECT_FALSE(find_login("[]", "a"));
  EXPECT_FALSE(find_login(R"({"auths": {"a": {"auth": "!"}}})", "a"));
}

TEST(Logins, HelpersComeBeforeTheFile) {
  const char* const config =
      R"({"auths": {"a.example": {"auth": "YTpi"}}, "credHelpers": {"b.example": "gcloud"}, "credsStore": "pass"})";
  EXPECT_EQ(helper_for(config, "b.example").value(), "gcloud");
  EXPECT_EQ(helper_for(config, "a.example").value(), "pass");
  EXPECT_EQ(find_login(config, "a.example")->value().helper, "pass");
  EXPECT_EQ(helper_for("{}", "a").value(), "");
  EXPECT_EQ(parse_helper_answer(R"({"Username": "u", "Secret": "s"})").value(), (Login{"u", "s", ""}));
  EXPECT_EQ(parse_helper_answer(R"({"Username": "<token>", "Secret": "s"})").value(), (Login{"", "", "s"}));
  EXPECT_FALSE(parse_helper_answer("credentials not found"));
  EXPECT_EQ(helper_request("docker.io", {"u", "s", ""}),
            R"({"ServerURL":"https://index.docker.io/v1/","Username":"u","Secret":"s"})");
}

TEST(Logins, AChangeKeepsEverythingElse) {
  const auto added = with_login(R"({"psFormat": "x", "auths": {"a": {"auth": "YTpi"}}})", "b:1", {"u", "p", ""});
  ASSERT_TRUE(added);
  EXPECT_NE(added->find("psFormat"), std::string::npos);
  EXPECT_EQ(find_login(*added, "a")->value().login, (Login{"a", "b", ""}));
  EXPECT_EQ(find_login(*added, "b:1")->value().login, (Login{"u", "p", ""}));
  const auto removed = without_login(*added, "b:1");
  EXPECT_EQ(find_login(*removed, "b:1").value(), std::nullopt);
  EXPECT_TRUE(find_login(*removed, "a").value());
  EXPECT_EQ(without_login(R"({"auths": {"https://a/v1/": {"auth": "YTpi"}}})", "a").value(), "{\n\t\"auths\": {}\n}\n");
}

TEST(Logins, Base64) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                       {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(encode_base64(bytes), text);
}

}  // namespace
}  // namespace mete::runtime::registry
