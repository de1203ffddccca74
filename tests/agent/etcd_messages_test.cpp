// SPDX-License-Identifier: Apache-2.0
// Requests to etcd, and answers as etcd 3.4.23 has given them.
#include <gtest/gtest.h>

#include "agent/etcd/messages.h"
#include "config/base/base64.h"
#include "runtime/json.h"

namespace mete::agent::etcd {
namespace {

using nlohmann::json;

TEST(EtcdMessages, KeysAreInBase64) {
  for (const std::string plain : {"", "a", "ab", "abc", "/mete/members/shop/10.90.0.2"})
    EXPECT_EQ(config::decode_base64(base64(plain)).value(), plain);
  EXPECT_EQ(base64("/mete/a"), "L21ldGUvYQ==");
}

TEST(EtcdMessages, ARangeEndsBehindItsPrefix) {
  EXPECT_EQ(end_of("/mete/"), "/mete0");
  EXPECT_EQ(end_of("a\xff\xff"), "b");
  EXPECT_EQ(end_of("\xff"), std::string(1, '\0'));
  const auto request = json::parse(range_request("/mete/"));
  EXPECT_EQ(request, json::parse(R"({"key": "L21ldGUv", "range_end": "L21ldGUw"})"));
}

TEST(EtcdMessages, Leases) {
  EXPECT_EQ(json::parse(grant_request(std::chrono::seconds(5))), json::parse(R"({"TTL": "5", "ID": "0"})"));
  EXPECT_EQ(parse_grant(R"({"header":{"cluster_id":"14841639068965178418","revision":"1","raft_term":"2"},)"
                        R"("ID":"7587899242779053061","TTL":"5"})")
                .value(),
            7587899242779053061);
  EXPECT_FALSE(parse_grant(R"({"header":{}})").has_value());
  EXPECT_EQ(json::parse(keep_alive_request(1234)), json::parse(R"({"ID": "1234"})"));
  EXPECT_TRUE(parse_keep_alive(R"({"result":{"header":{"revision":"2"},"ID":"1234","TTL":"5"}})").value());
  // A lease that has run out has no time to live.
  EXPECT_FALSE(parse_keep_alive(R"({"result":{"header":{"revision":"2"},"ID":"1234"}})").value());
}

TEST(EtcdMessages, ASnapshotHasItsRevision) {
  const auto all =
      parse_range(R"({"header":{"cluster_id":"14841639068965178418","revision":"2"},"kvs":[{"key":"L21ldGUvYQ==",)"
                  R"("create_revision":"2","mod_revision":"2","version":"1","value":"aGk="}],"count":"1"})");
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->revision, 2);
  ASSERT_EQ(all->pairs.size(), 1U);
  EXPECT_EQ(all->pairs.front(), (KeyValue{"/mete/a", "hi"}));
  EXPECT_TRUE(parse_range(R"({"header":{"revision":"7"}})").value().pairs.empty());
  EXPECT_FALSE(parse_range(R"({"header":{}})").has_value());
}

TEST(EtcdMessages, ATransactionSaysWhatHasToHold) {
  const Transaction transaction{{{Condition::Is::kAbsent, "/mete/a"},
                                 {Condition::Is::kPresent, "/mete/a"},
                                 {Condition::Is::kNoneBelow, "/mete/"},
                                 {Condition::Is::kValue, "/mete/a", "hi"}},
                                {{Operation::Does::kPut, "/mete/a", "hi", 9}, {Operation::Does::kRemove, "/mete/a"}},
                                {{Operation::Does::kGet, "/mete/a"}, {Operation::Does::kGet, "/mete/", {}, 0, true}}};
  const auto request = json::parse(request_of(transaction));
  EXPECT_EQ(request["compare"], json::parse(R"([
    {"key": "L21ldGUvYQ==", "target": "CREATE", "result": "EQUAL", "create_revision": "0"},
    {"key": "L21ldGUvYQ==", "target": "CREATE", "result": "GREATER", "create_revision": "0"},
    {"key": "L21ldGUv", "range_end": "L21ldGUw", "target": "CREATE", "result": "EQUAL", "create_revision": "0"},
    {"key": "L21ldGUvYQ==", "target": "VALUE", "result": "EQUAL", "value": "aGk="}])"));
  EXPECT_EQ(request["success"], json::parse(R"([
    {"request_put": {"key": "L21ldGUvYQ==", "value": "aGk=", "lease": "9"}},
    {"request_delete_range": {"key": "L21ldGUvYQ=="}}])"));
  EXPECT_EQ(request["failure"], json::parse(R"([
    {"request_range": {"key": "L21ldGUvYQ=="}},
    {"request_range": {"key": "L21ldGUv", "range_end": "L21ldGUw"}}])"));
}

TEST(EtcdMessages, AnOutcomeHasWhatStoodInTheWay) {
  EXPECT_TRUE(parse_outcome(R"({"header":{"revision":"2"},"succeeded":true,"responses":[{"response_put":{}}]})")
                  .value()
                  .succeeded);
  const auto refused =
      parse_outcome(R"({"header":{"revision":"2"},"responses":[{"response_range":{"header":{"revision":"2"},)"
                    R"("kvs":[{"key":"L21ldGUvYQ==","value":"aGk="}],"count":"1"}},{"response_range":{}}]})");
  ASSERT_TRUE(refused.has_value());
  EXPECT_FALSE(refused->succeeded);
  EXPECT_EQ(refused->found, (std::vector<KeyValue>{{"/mete/a", "hi"}}));
}

TEST(EtcdMessages, NewsOfAWatch) {
  EXPECT_EQ(json::parse(watch_request("/mete/", 3)),
            json::parse(R"({"create_request": {"key": "L21ldGUv", "range_end": "L21ldGUw", "start_revision": "3"}})"));
  const auto begun = parse_news(R"({"result":{"header":{"revision":"2"},"created":true}})").value();
  EXPECT_TRUE(begun.changes.empty() && !begun.over);
  const auto put =
      parse_news(R"({"result":{"header":{},"events":[{"kv":{"key":"L21ldGUvYQ==","value":"aGk="}}]}})").value();
  EXPECT_EQ(put.changes, (std::vector<Change>{{false, {"/mete/a", "hi"}}}));
  const auto removed = parse_news(R"({"result":{"header":{},"events":[{"type":"DELETE","kv":{"key":"L21ldGUvYQ==",)"
                                  R"("mod_revision":"4"}}]}})")
                           .value();
  EXPECT_EQ(removed.changes, (std::vector<Change>{{true, {"/mete/a", ""}}}));
  EXPECT_TRUE(parse_news(R"({"result":{"header":{},"canceled":true,"compact_revision":"3"}})").value().over);
  EXPECT_TRUE(parse_news(R"({"error":{"grpc_code":14,"message":"transport is closing"}})").value().over);
}

TEST(EtcdMessages, WhatIsNoAnswerIsAnError) {
  for (const std::string wrong : {"", "[]", "1", "{\"result\":", "<html>", R"({"kvs":7,"header":{"revision":"x"}})"}) {
    EXPECT_FALSE(parse_range(wrong).has_value()) << wrong;
    EXPECT_FALSE(parse_grant(wrong).has_value()) << wrong;
  }
  EXPECT_FALSE(parse_news(R"({"result":{"events":[{}]}})").has_value());
  EXPECT_FALSE(parse_news(R"({"result":{"events":[{"kv":{"key":"!"}}]}})").has_value());
  EXPECT_FALSE(parse_login("{}").has_value());
  EXPECT_EQ(parse_login(R"({"token":"abc.7"})").value(), "abc.7");
  EXPECT_EQ(words_of(R"({"error":"e","message":"etcdserver: requested lease not found","code":5})"),
            "etcdserver: requested lease not found");
  EXPECT_EQ(words_of("404 page not found\n"), "404 page not found");
}

}  // namespace
}  // namespace mete::agent::etcd
