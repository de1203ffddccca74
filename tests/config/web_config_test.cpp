// SPDX-License-Identifier: Apache-2.0
#include "config/model/web_config.h"

#include "tests/config/support.h"

namespace mete::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHash = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";

const std::string kTls = "tls_server_config:\n  cert_file: server.crt\n  key_file: /keys/server.key\n";

TEST(WebConfig, ReadsEverything) {
  const auto read = read_web_config(kTls + R"(  client_ca_file: ca/clients.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [scraper.example, 192.0.2.7]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
    X-XSS-Protection: ""
basic_auth_users:
  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze
  "bob b": "$2b$04$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
rate_limit: {interval: 1s, burst: 20}
)",
                                    "/etc/mete/web.yml");
  ASSERT_TRUE(read.errors.empty()) << joined(read.errors);
  const WebTls& tls = *read.config.tls;
  EXPECT_EQ(tls.cert_file, "/etc/mete/server.crt") << "relative to the file";
  EXPECT_EQ(tls.key_file, "/keys/server.key");
  EXPECT_EQ(tls.client_ca_file, "/etc/mete/ca/clients.pem");
  EXPECT_EQ(tls.client_auth, ClientAuth::kRequireAndVerify);
  EXPECT_EQ(tls.client_allowed_sans, (std::vector<std::string>{"scraper.example", "192.0.2.7"}));
  EXPECT_EQ(tls.cipher_suites.size(), 2U);
  EXPECT_FALSE(tls.prefer_server_cipher_suites);
  EXPECT_EQ(tls.curves, (std::vector<std::string>{"X25519", "CurveP256"}));
  EXPECT_EQ(read.config.headers, (std::map<std::string, std::string>{{"Strict-Transport-Security", "max-age=31536000"},
                                                                     {"X-Frame-Options", "deny"}}));
  EXPECT_EQ(read.config.users.size(), 2U);
  EXPECT_EQ(read.config.users.at("alice"), kHash);
  EXPECT_EQ(read.config.rate_limit, (WebRateLimit{1s, 20}));
}

TEST(WebConfig, NothingSaidIsPlainHttpForEverybody) {
  for (const char* text : {"", "# nothing\n", "{}", "tls_server_config: {}\nbasic_auth_users: {}\n",
                           "basic_auth_users:\nrate_limit: {interval: 0}\n"}) {
    const auto read = read_web_config(text, "web.yml");
    EXPECT_TRUE(read.errors.empty()) << text << joined(read.errors);
    EXPECT_EQ(read.config, WebConfig()) << text;
  }
}

TEST(WebConfig, DefaultsAreThoseOfTheFormat) {
  const auto read = read_web_config(kTls, "web.yml");
  ASSERT_TRUE(read.errors.empty()) << joined(read.errors);
  EXPECT_EQ(read.config.tls->cert_file, "server.crt");
  EXPECT_EQ(read.config.tls->min_version, TlsVersion::k12);
  EXPECT_EQ(read.config.tls->max_version, TlsVersion::k13);
  EXPECT_EQ(read.config.tls->client_auth, ClientAuth::kNone);
  EXPECT_TRUE(read.config.tls->prefer_server_cipher_suites);
  EXPECT_EQ(read_web_config(kTls + "  client_auth_type: RequireClientCert\n", "").config.tls->client_auth,
            ClientAuth::kRequireAny)
      << "its older name";
}

struct WrongLine {
  std::string text;
  std::string field;
  std::string message;  // a part
};

const WrongLine kWrong[] = {
    {"tls_server_conf: {}\n", "tls_server_conf", "did you mean `tls_server_config`?"},
    {"[]", "", "found a list, expected a mapping"},
    {"hello", "", "expected a mapping"},
    {"basic_auth_users: [a]\n", "basic_auth_users", "found a list, expected a mapping of users"},
    {"basic_auth_users: x\n", "basic_auth_users", "expected a mapping of users"},
    {"basic_auth_users: {alice: hunter2}\n", "basic_auth_users.alice", "no bcrypt hash"},
    {"basic_auth_users: {alice: 123456}\n", "basic_auth_users.alice", "no bcrypt hash"},
    {"basic_auth_users: {alice: }\n", "basic_auth_users.alice", "no bcrypt hash"},
    {"basic_auth_users: {alice: [x]}\n", "basic_auth_users.alice", "no bcrypt hash"},
    {"basic_auth_users: {\"a:b\": " + std::string(kHash) + "}\n", "basic_auth_users['a:b']", "a colon"},
    {"basic_auth_users: {a: " + std::string(kHash) + ", a: " + kHash + "}\n", "basic_auth_users.a", "stands twice"},
    {"tls_server_config: {cert_file: a}\n", "tls_server_config", "`key_file` is missing"},
    {"tls_server_config: {key_file: a}\n", "tls_server_config", "`cert_file` is missing"},
    {"tls_server_config: {min_version: TLS13}\n", "tls_server_config", "`cert_file` is missing"},
    {kTls + "  cert: x\n", "tls_server_config.cert_file", "found both `cert` and `cert_file`"},
    {kTls + "  min_version: TLS14\n", "tls_server_config.min_version", "expected TLS10, TLS11, TLS12 or TLS13"},
    {kTls + "  min_version: 1.2\n", "tls_server_config.min_version", "quote it"},
    {kTls + "  min_version: TLS13\n  max_version: TLS12\n", "tls_server_config.min_version", "above max_version"},
    {kTls + "  client_auth_type: requireAndVerifyClientCerts\n", "tls_server_config.client_auth_type",
     "did you mean `RequireAndVerifyClientCert`?"},
    {kTls + "  client_auth_type: RequireAndVerifyClientCert\n", "tls_server_config.client_auth_type",
     "without client_ca_file"},
    {kTls + "  client_ca_file: ca\n", "tls_server_config", "no client's certificate asked for"},
    {kTls + "  client_allowed_sans: [a]\n", "tls_server_config.client_allowed_sans", "no certificate required"},
    {kTls + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n", "tls_server_config.cipher_suites[0]",
     "expected TLS_AES_128_GCM_SHA256"},
    {kTls + "  cipher_suites: TLS_AES_128_GCM_SHA256\n", "tls_server_config.cipher_suites", "expected a list of texts"},
    {kTls + "  curve_preferences: [CurveP257]\n", "tls_server_config.curve_preferences[0]",
     "did you mean `CurveP256`?"},
    {"http_server_config: {headers: {X-Frame-Options: allow}}\n", "http_server_config.headers.X-Frame-Options",
     "expected deny or sameorigin"},
    {"http_server_config: {headers: {Server: x}}\n", "http_server_config.headers.Server", "unknown field"},
    {"http_server_config: {headers: {X-XSS-Protection: \"a\\r\\nSet-Cookie: b\"}}\n",
     "http_server_config.headers.X-XSS-Protection", "one line"},
    {"http_server_config: {http2: maybe}\n", "http_server_config.http2", "expected true or false"},
    {"rate_limit: {interval: fast, burst: 1}\n", "rate_limit.interval", "expected a duration"},
    {"rate_limit: {interval: 1s}\n", "rate_limit", "no burst"},
    {"rate_limit: {interval: 1s, burst: -1}\n", "rate_limit.burst", "from 0"},
    {"{}\n---\n{}\n", "", "a second document"},
    {"a: [", "", ""},
    {std::string("a\0b", 3), "", "control character"},
};

TEST(WebConfig, WhatIsWrongIsNamed) {
  for (const auto& wrong : kWrong) {
    const auto read = read_web_config(wrong.text, "web.yml");
    EXPECT_TRUE(has(read.errors, wrong.field, wrong.message)) << wrong.text << "\n" << joined(read.errors);
    for (const auto& error : read.errors) {
      EXPECT_GT(error.location.line, 0) << wrong.text;
      EXPECT_GT(error.location.column, 0) << wrong.text;
    }
  }
}

TEST(WebConfig, SecretsAreNotShown) {
  for (const char* text : {"basic_auth_users: {alice: hunter2}", "basic_auth_users: {alice: 424242}",
                           "basic_auth_users: {alice: $2y$31$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}"}) {
    const auto all = joined(read_web_config(text, "web.yml").errors);
    EXPECT_FALSE(all.empty());
    for (const char* secret : {"hunter2", "424242", "mDwo"}) EXPECT_EQ(all.find(secret), std::string::npos) << all;
  }
}

TEST(WebConfig, KnowsABcryptHash) {
  const std::string rest = "mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";
  EXPECT_EQ(bcrypt_cost("$2a$04$" + rest), 4);
  EXPECT_EQ(bcrypt_cost("$2b$12$" + rest), 12);
  EXPECT_EQ(bcrypt_cost("$2y$20$" + rest), 20);
  for (const std::string& wrong :
       {"$2y$03$" + rest, "$2y$21$" + rest, "$2x$10$" + rest, "$2y$1x$" + rest, "$2y$10$" + rest + "a",
        "$2y$10$" + rest.substr(1), "$2y$10$!" + rest.substr(1), "$6$10$a" + rest, std::string()}) {
    EXPECT_FALSE(bcrypt_cost(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace mete::config
