// SPDX-License-Identifier: Apache-2.0
// The HTTP server over real sockets: many at once, slow ones, cut ones, wrong ones.
#include "tests/agent/http/http_client.h"

namespace mete::agent {
namespace {

using testing::Answer;
using testing::Client;
using testing::piece_text;
using testing::TestServer;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string pieces(std::size_t count, std::size_t size) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += piece_text(i, size);
  return all;
}

TEST(HttpServer, BodiesInPiecesArriveWhole) {
  TestServer server;
  Client client(server.port);
  // One connection for all of them; sizes around those of the chunk's own lines and of the socket.
  for (const std::size_t size : {10U, 15U, 16U, 17U, 4095U, 4096U, 65536U, 300'000U}) {
    for (const std::size_t count : {1U, 2U, 7U}) {
      client.get("/pieces?count=" + std::to_string(count) + "&size=" + std::to_string(size));
      const Answer answer = client.answer();
      EXPECT_EQ(answer.status, 200U);
      EXPECT_EQ(answer.body, pieces(count, size)) << size << " x " << count;
    }
  }
}

TEST(HttpServer, HttpOneZeroGetsABodyThatEndsWithTheConnection) {
  TestServer server;
  Client client(server.port);
  client.say("GET /pieces?count=5 HTTP/1.0\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 200U);
  EXPECT_TRUE(answer.head.starts_with("HTTP/1.0 200")) << answer.head;
  EXPECT_FALSE(answer.has("Transfer-Encoding: chunked"));
  EXPECT_EQ(answer.body, pieces(5, 65536));
  // One whose length is known can go on.
  Client second(server.port);
  for (int i = 0; i < 2; ++i) {
    second.say("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(second.answer().body, "GET /x 0\n");
  }
}

TEST(HttpServer, HeadHasNoBody) {
  TestServer server;
  Client client(server.port);
  for (const char* target : {"/pieces", "/x"}) {
    client.say(std::string("HEAD ") + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.answer(true).head.starts_with("HTTP/1.1 200 OK")) << target;
  }
  EXPECT_EQ(server.asked, 0U) << "nothing is made for nobody";
  client.get("/x");
  EXPECT_EQ(client.answer().body, "GET /x 0\n");
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInTheirOrder) {
  TestServer server;
  Client client(server.port);
  client.say(
      "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\n"
      "GET /pieces?count=2 HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /d "
      "HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.answer().body, "GET /a 0\n");
  EXPECT_EQ(client.answer().body, "POST /b 5\n");
  EXPECT_EQ(client.answer().body, pieces(2, 65536));
  const Answer last = client.answer();
  EXPECT_EQ(last.body, "GET /c 0\n");
  EXPECT_TRUE(last.has("Connection: close"));
  EXPECT_TRUE(client.ended()) << "what follows Connection: close is not looked at";
}

TEST(HttpServer, ARequestMayComeByteByByte) {
  TestServer server;
  Client client(server.port);
  for (const char c : std::string(
           "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
    client.say({&c, 1});
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(client.answer().body, "POST /x 5\n");
}

TEST(HttpServer, AHundredAtOnceAreAllAnswered) {
  TestServer server;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<Client>(server.port));
  for (const auto& client : clients) client->get("/pieces?count=9");
  const std::string expected = pieces(9, 65536);
  for (const auto& client : clients) EXPECT_TRUE(client->answer().body == expected);
}

TEST(HttpServer, AStalledReaderIsCutAndNobodyElse) {
  HttpLimits limits;
  limits.slow = 300ms;
  TestServer server(limits);
  constexpr int kSmall = 4096;
  Client stalled(server.port, kSmall);
  stalled.get("/pieces?count=100000");
  // It takes a while until the sockets' buffers are full; then nothing more is made for it.
  ASSERT_TRUE(TestServer::eventually([&] { return server.refused("slow") == 1; }));
  const std::size_t asked = server.asked;
  EXPECT_LT(asked, 200U) << "pieces were made that nobody had asked for";
  Client other(server.port);
  other.get("/pieces?count=50");
  EXPECT_EQ(other.answer().body, pieces(50, 65536));
  EXPECT_EQ(stalled.answer().status, 0U) << "what it got must not look whole";
}

TEST(HttpServer, AStalledReaderOfALargeAnswerIsCutToo) {
  HttpLimits limits;
  limits.slow = 300ms;
  TestServer server(limits);
  Client stalled(server.port, 4096);
  stalled.get("/large");
  ASSERT_TRUE(TestServer::eventually([&] { return server.refused("slow") == 1; }));
  expect_serves(server);
}

TEST(HttpServer, AWholeBodyHasATimeTooAndTheScrapersOwnIsTaken) {
  HttpLimits limits;
  limits.whole = 60s;
  TestServer server(limits);
  Client client(server.port, 4096);
  const auto begin = Clock::now();
  // Each piece alone would have 20 s.
  client.get("/pieces?count=100000", "X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n");
  ASSERT_TRUE(TestServer::eventually([&] { return server.refused("slow") == 1; }));
  EXPECT_LT(Clock::now() - begin, 4s);
  EXPECT_GT(Clock::now() - begin, 1s) << "one second more than its timeout";
}

TEST(HttpServer, ABrokenBodyDoesNotLookWhole) {
  TestServer server;
  Client client(server.port);
  client.get("/pieces?count=9&failing=4");
  EXPECT_EQ(client.answer().status, 0U) << "no last chunk";
  Client old(server.port);
  old.say("GET /pieces?count=9&failing=4 HTTP/1.0\r\n\r\n");
  const Answer answer = old.answer();
  EXPECT_EQ(answer.status, 0U);
  EXPECT_TRUE(answer.reset) << "HTTP/1.0 takes an orderly end for the body's";
  expect_serves(server);
}

TEST(HttpServer, PeersThatGoAreForgotten) {
  HttpLimits limits;
  limits.connections = 2;
  TestServer server(limits);
  for (int i = 0; i < 50; ++i) {
    {
      Client gone(server.port, 4096);
      gone.get(i % 2 == 0 ? "/pieces?count=1000" : "/large");
    }
    {
      Client half(server.port);
      half.say("GET /x HT");
    }
    ASSERT_TRUE(TestServer::eventually([&] {
      Client client(server.port);
      return client.get("/x") && client.answer().status == 200;
    })) << i;
  }
}

TEST(HttpServer, ADroppedReplyClosesTheConnection) {
  TestServer server;
  Client client(server.port);
  client.get("/drop");
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, WrongRequestsAreTold) {
  struct Wrong {
    std::string request;
    unsigned status;
  };
  TestServer server;
  const std::string head = "GET /x HTTP/1.1\r\nHost: a\r\n";
  for (const auto& [request, status] : {
           Wrong{"nonsense\r\n\r\n", 400},
           Wrong{"GET /x\r\n\r\n", 400},
           Wrong{"GET /x HTTP/9.x\r\n\r\n", 400},
           Wrong{std::string("\0\1\2\3\r\n\r\n", 8), 400},
           Wrong{"\x16\x03\x01\x02\x01\x01\x01\r\n\r\n", 400},  // TLS to the plain address
           Wrong{head + "Content-Length: x\r\n\r\n", 400},
           Wrong{head + "Content-Length: -1\r\n\r\n", 400},
           Wrong{head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
           Wrong{head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
           Wrong{head + "A: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
           Wrong{"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n", 431},
           Wrong{head + "Content-Length: 16777217\r\n\r\n", 413},
           Wrong{head + "Content-Length: 99999999999999999999\r\n\r\n", 400},
       }) {
    Client client(server.port);
    client.say(request);
    EXPECT_EQ(client.answer().status, status) << request.substr(0, 80);
    EXPECT_TRUE(client.ended());
  }
  expect_serves(server);
}

TEST(HttpServer, ALargeBodyIsAskedFor) {
  HttpLimits limits;
  limits.tcp_request_body = 4U << 20U;
  TestServer server(limits);
  Client client(server.port);
  client.say("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  client.say(std::string(3'000'000, 'x'));
  EXPECT_EQ(client.answer().body, "POST /x 3000000\n");
  client.get("/x");
  EXPECT_EQ(client.answer().status, 200U);
}

TEST(HttpServer, AnArchiveGoesIntoAFileInPieces) {
  TestServer server;
  Client client(server.unix_path);
  // Larger than a body in memory may be, and one connection for all of them.
  const std::size_t size = HttpLimits{}.request_body + 12'345;
  for (int i = 0; i < 2; ++i) {
    client.say("PUT /archive?path=/x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    client.say(std::string(size, 'x'));
    EXPECT_EQ(client.answer().body, "file " + std::to_string(size) + "\n");
  }
  client.say("PUT /archive HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.answer().body, "file 5\n");
  client.say("PUT /archive HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  client.say("abcd");
  EXPECT_EQ(client.answer().body, "file 4\n");
  client.say("PUT /archive HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.answer().body, "PUT /archive 0 local\n");
  EXPECT_LE(server.largest_piece, 256U << 10U);
  // Another request has its body in memory, with its bound; so has this one over TCP.
  client.say("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd");
  EXPECT_EQ(client.answer().body, "PUT /x 4 local\n");
  for (const std::string& body : {"Content-Length: 16777217\r\n\r\n" + std::string(),
                                  "Transfer-Encoding: chunked\r\n\r\n1000001\r\n" + std::string(1U << 24U, 'x')}) {
    Client large(server.unix_path);
    large.say("PUT /x HTTP/1.1\r\nHost: a\r\n" + body);
    EXPECT_EQ(large.answer().status, 413U);
  }
  Client remote(server.port);
  remote.say("PUT /archive HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  EXPECT_EQ(remote.answer().status, 413U);
}

TEST(HttpServer, AnArchiveThatCannotBeKeptIsAnError) {
  TestServer server;
  server.full = true;
  Client client(server.unix_path);
  client.say("PUT /archive HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.body, "keep the request's body: the disk is full\n");
  EXPECT_TRUE(client.ended());
  // One that ends in the middle is no request, and the server goes on.
  server.full = false;
  {
    Client half(server.unix_path);
    half.say("PUT /archive HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\nabcd");
  }
  expect_serves(server);
}

class Nobody : public HttpAccess {
 public:
  std::shared_ptr<asio::ssl::context> tls() override { return nullptr; }
  const HttpHeaders& headers() override { return always; }
  void admit(const std::string& authorization, std::function<void(Admission)> done) override {
    done(authorization == "busy"    ? Admission::kBusy
         : authorization == "often" ? Admission::kTooMany
         : authorization == "me"    ? Admission::kYes
                                    : Admission::kNoCredentials);
  }
  HttpHeaders always = {{"X-Frame-Options", "deny"}};
};

TEST(HttpServer, WhoIsNotAdmittedIsNotAnswered) {
  Nobody nobody;
  TestServer server({}, &nobody);
  Client client(server.port);
  client.get("/hold");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 401U);
  EXPECT_TRUE(answer.has("WWW-Authenticate: Basic")) << answer.head;
  EXPECT_TRUE(answer.has("X-Frame-Options: deny")) << answer.head;
  EXPECT_EQ(server.held(), 0U);
  client.get("/x", "Authorization: busy\r\n");
  EXPECT_EQ(client.answer().status, 503U);
  client.get("/x", "Authorization: often\r\n");
  EXPECT_EQ(client.answer().status, 429U);
  client.get("/x", "Authorization: me\r\n");
  EXPECT_EQ(client.answer().body, "GET /x 0\n") << "the connection went on";
  // A body that was not read is not taken for a request.
  client.say(
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nGET /hold HTTP/1.1\r\nAuthorization: me\r\n\r\n");
  EXPECT_EQ(client.answer().status, 401U);
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server.held(), 0U);
  Client local(server.unix_path);
  local.get("/x");
  const Answer own = local.answer();
  EXPECT_EQ(own.body, "GET /x 0 local\n") << "the unix socket is never asked about";
  EXPECT_FALSE(own.has("X-Frame-Options: deny"));
}

}  // namespace
}  // namespace mete::agent
