// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/http_answer.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

using State = HttpAnswerReader::State;

struct Read {
  State state = State::kMore;
  HttpAnswerReader answer;
};

// In pieces of `size` bytes; then, if there is more to come, the end of the connection.
Read read(const std::string& text, std::size_t size) {
  Read read;
  for (std::size_t at = 0; at < text.size() && read.state == State::kMore; at += size)
    read.state = read.answer.feed(std::string_view(text).substr(at, size));
  if (read.state == State::kMore) read.state = read.answer.end();
  return read;
}

void expect_body(const std::string& text, int status, const std::string& body) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, text.size()}) {
    const Read got = read(text, size);
    EXPECT_EQ(got.state, State::kDone) << text << got.answer.why();
    EXPECT_EQ(got.answer.status(), status) << text;
    EXPECT_EQ(got.answer.body(), body) << text;
  }
}

TEST(HttpAnswer, Bodies) {
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc");
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, "abc");
  expect_body("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, "");
  expect_body("HTTP/1.0 404 Not Found\r\n\r\nuntil the end", 404, "until the end");
  expect_body("HTTP/1.1 200\nX: y\n\nbare line ends", 200, "bare line ends");
  expect_body("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204, "");
  expect_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, "busy");
  expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 200,
              "abc0123456789");
}

TEST(HttpAnswer, ALongBodyIsCut) {
  const std::string body(20'000, 'x');
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + body, 200,
              body.substr(0, HttpAnswerReader::kMostBody));
  expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + body, 200,
              body.substr(0, HttpAnswerReader::kMostBody));
  expect_body("HTTP/1.1 200 OK\r\n\r\n" + body, 200, body.substr(0, HttpAnswerReader::kMostBody));
}

TEST(HttpAnswer, Garbage) {
  for (const std::string text :
       {"", "HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\x02", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1\r\n\r\n", "HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}}) {
      const Read got = read(text, size);
      EXPECT_EQ(got.state, State::kBroken) << text;
      EXPECT_NE(got.answer.why(), "") << text;
    }
  }
}

TEST(HttpAnswer, NothingIsKeptWithoutBounds) {
  HttpAnswerReader head;
  State state = head.feed("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 100 && state == State::kMore; ++i) state = head.feed(std::string(1024, 'x'));
  EXPECT_EQ(state, State::kBroken);
  HttpAnswerReader chunk;
  state = chunk.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100 && state == State::kMore; ++i) state = chunk.feed(std::string(1024, '0'));
  EXPECT_EQ(state, State::kBroken);
}

TEST(HttpAnswer, Redirects) {
  const Read got = read("HTTP/1.1 302 Found\r\nLOCATION:  /there \r\nContent-Length: 0\r\n\r\n", 100);
  EXPECT_EQ(got.answer.status(), 302);
  EXPECT_EQ(got.answer.location(), "/there");
  const HttpTarget from{false, "127.0.0.1", 8080, "/a/b?c"};
  const auto to = [&](const char* location) { return redirected(from, location); };
  EXPECT_EQ(to("/x?y#z"), (HttpTarget{false, "127.0.0.1", 8080, "/x?y"}));
  EXPECT_EQ(to("x"), (HttpTarget{false, "127.0.0.1", 8080, "/a/x"}));
  EXPECT_EQ(to("?d"), (HttpTarget{false, "127.0.0.1", 8080, "/a/b?d"}));
  EXPECT_EQ(to("https://127.0.0.1/"), (HttpTarget{true, "127.0.0.1", 443, "/"}));
  EXPECT_EQ(to("HTTP://example.com"), (HttpTarget{false, "example.com", 80, "/"}));
  EXPECT_EQ(to("http://u:p@example.com:81?q"), (HttpTarget{false, "example.com", 81, "/?q"}));
  EXPECT_EQ(to("//[::1]:9/z"), (HttpTarget{false, "::1", 9, "/z"}));
  EXPECT_EQ(to_string(*to("//[::1]:9/z")), "http://[::1]:9/z");
  for (const char* wrong : {"ftp://127.0.0.1/", "http:///x", "http://h:0/", "http://h:70000/", "http://h/a b", "/a\tb"})
    EXPECT_EQ(to(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace mete::agent
