// SPDX-License-Identifier: Apache-2.0
// The bounds on what one peer, or a flood of peers, can cost the HTTP server.
#include <sys/resource.h>

#include "tests/agent/http/http_client.h"

namespace mete::agent {
namespace {

using testing::Answer;
using testing::Client;
using testing::TestServer;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(HttpLimits, AHeadThatTricklesIsCut) {
  HttpLimits limits;
  limits.head = 300ms;
  TestServer server(limits);
  Client slow(server.port);
  slow.say("GET /x HTTP/1.1\r\n");
  const auto begin = Clock::now();
  while (slow.say("A: b\r\n") && Clock::now() - begin < 10s) std::this_thread::sleep_for(20ms);
  EXPECT_LT(Clock::now() - begin, 5s) << "each byte must not give it more time";
  EXPECT_EQ(server.refused("slow"), 1U);
  expect_serves(server);
}

TEST(HttpLimits, WhoSaysNothingIsClosed) {
  HttpLimits limits;
  limits.fresh = 200ms;
  limits.idle = 400ms;
  limits.body = 300ms;
  TestServer server(limits);
  Client silent(server.port);
  EXPECT_TRUE(silent.ended());
  Client idle(server.port);
  idle.get("/x");
  EXPECT_EQ(idle.answer().status, 200U);
  std::this_thread::sleep_for(250ms);
  idle.get("/x");
  EXPECT_EQ(idle.answer().status, 200U) << "between requests there is more time";
  EXPECT_TRUE(idle.ended());
  Client body(server.port);
  body.say("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(body.ended());
}

TEST(HttpLimits, PastTheLimitsPeersAreToldSo) {
  HttpLimits limits;
  limits.connections = 8;
  limits.per_address = 3;
  TestServer server(limits);
  std::vector<std::unique_ptr<Client>> busy;
  for (int i = 0; i < 3; ++i) {
    busy.push_back(std::make_unique<Client>(server.port));
    busy.back()->get("/hold");
  }
  ASSERT_TRUE(TestServer::eventually([&] { return server.held() == 3; }));
  Client refused(server.port);
  refused.get("/x");
  const Answer answer = refused.answer();
  EXPECT_EQ(answer.status, 503U);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(refused.ended());
  EXPECT_EQ(server.refused("limit"), 1U);
  // The unix socket has places of its own.
  Client local(server.unix_path);
  local.get("/x");
  EXPECT_EQ(local.answer().body, "GET /x 0 local\n");
  server.release();
  for (const auto& client : busy) EXPECT_EQ(client->answer().body, "released");
  // Those three are idle now and make room.
  for (int i = 0; i < 6; ++i) expect_serves(server);
  EXPECT_EQ(server.refused("limit"), 1U);
}

TEST(HttpLimits, WithoutDescriptorsItWaitsAndDoesNotSpin) {
  TestServer server;
  Client client(server.port);
  client.get("/x");
  ASSERT_EQ(client.answer().status, 200U);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{static_cast<rlim_t>(fd) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto used = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
  };
  const auto begin = used();
  std::this_thread::sleep_for(500ms);
  EXPECT_LT(used() - begin, 150) << "milliseconds of CPU";
  client.get("/x");
  EXPECT_EQ(client.answer().status, 200U) << "who is in is answered";
  ::setrlimit(RLIMIT_NOFILE, &before);
  const std::string request = "GET /x HTTP/1.0\r\n\r\n";
  ASSERT_GT(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), 0);
  char first = 0;
  EXPECT_EQ(::recv(fd, &first, 1, 0), 1) << "who had to wait is answered when there is room";
  ::close(fd);
}

}  // namespace
}  // namespace mete::agent
