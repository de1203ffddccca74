// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/grpc_health.h"

#include <gtest/gtest.h>

#include "agent/probes/grpc_refusal.h"
#include "agent/probes/hpack.h"

namespace mete::agent {
namespace {

using namespace std::string_literals;

// Of RFC 7541, Appendix C.6.1 and C.4.1.
TEST(Hpack, Huffman) {
  EXPECT_EQ(hpack::decode_huffman("\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"), "www.example.com");
  EXPECT_EQ(hpack::decode_huffman("\x64\x02"), "302");
  EXPECT_EQ(
      hpack::decode_huffman("\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff"),
      "Mon, 21 Oct 2013 20:13:21 GMT");
  EXPECT_EQ(hpack::decode_huffman(""), "");
  EXPECT_EQ(hpack::decode_huffman("\x64"), std::nullopt);              // padded with zeros
  EXPECT_EQ(hpack::decode_huffman("\xff\xff\xff\xff"), std::nullopt);  // the end of the text, or too much padding
}

TEST(Hpack, Headers) {
  // As Go, C and Python encode them when no dynamic table is allowed.
  const auto headers = hpack::decode("\x20\x88\x5f\x8b\x1d\x75\xd0\x62\x0d\x26\x3d\x4c\x4d\x65\x64"s);
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->at(0), (std::pair(":status"s, "200"s)));
  EXPECT_EQ(headers->at(1).second, "application/grpc");
  EXPECT_EQ(hpack::decode("\x48\x82\x6c\x02"s).value_or(hpack::Headers()), (hpack::Headers{{":status", "502"}}));
  EXPECT_EQ(hpack::decode("\x00\x01x\x02yz"s).value_or(hpack::Headers()), (hpack::Headers{{"x", "yz"}}));
  std::string block;
  hpack::append_literal(block, 0, "name", std::string(300, 'v'));
  EXPECT_EQ(hpack::decode(block).value_or(hpack::Headers()), (hpack::Headers{{"name", std::string(300, 'v')}}));
  for (const auto& wrong :
       {"\x80"s, "\xbe"s, "\x7e\x01y"s, "\x00\x05x"s, "\x00\xff\xff\xff\xff\xff\xff\x01x"s, "\x3f\x01"s})
    EXPECT_FALSE(hpack::decode(wrong)) << testing::PrintToString(wrong);
}

std::string frame(int type, int flags, int stream, const std::string& payload) {
  std::string out;
  for (const std::size_t each : {payload.size() >> 16U, payload.size() >> 8U, payload.size()})
    out += static_cast<char>(each);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + payload;
}

const std::string kSettings = frame(4, 0, 0, "\x00\x03\x00\x00\x00\x64"s);
const std::string kHeaders = frame(1, 4, 1, "\x20\x88\x5f\x8b\x1d\x75\xd0\x62\x0d\x26\x3d\x4c\x4d\x65\x64"s);
const std::string kTrailers =
    frame(1, 5, 1, "\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x81\x07\x40\x89\x9a\xca\xc8\xb5\x25\x42\x07\x31\x7f\x80"s);

std::string data(char status, int flags = 0) {
  return frame(0, flags, 1, "\x00\x00\x00\x00\x02\x08"s + status);
}

std::optional<ProbeOutcome> outcome(const std::string& bytes, std::size_t piece) {
  GrpcHealthCall call("127.0.0.1:50051", "");
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (auto result = call.feed(std::string_view(bytes).substr(at, piece))) return result;
  }
  return std::nullopt;
}

void expect(const std::string& bytes, ProbeResult result, const std::string& message) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    const auto got = outcome(bytes, piece);
    ASSERT_TRUE(got) << message;
    EXPECT_EQ(got->result, result) << got->message;
    EXPECT_NE(got->message.find(message), std::string::npos) << got->message;
  }
}

TEST(GrpcHealth, Serving) {
  expect(kSettings + kHeaders + data(1) + kTrailers, ProbeResult::kSuccess, "");
  // Padding, a window update, an unknown kind of frame, and headers in two frames.
  const std::string padded = frame(0, 8, 1, "\x02\x00\x00\x00\x00\x02\x08\x01\x00\x00"s);
  const std::string halves =
      frame(1, 0, 1, "\x20\x88\x5f\x8b\x1d\x75\xd0"s) + frame(9, 4, 1, "\x62\x0d\x26\x3d\x4c\x4d\x65\x64"s);
  expect(kSettings + frame(8, 0, 0, "\x00\x00\xff\xff"s) + halves + frame(77, 0, 1, "?") + padded + kTrailers,
         ProbeResult::kSuccess, "");
}

TEST(GrpcHealth, NotServing) {
  expect(kSettings + kHeaders + data(2) + kTrailers, ProbeResult::kFailure, "responded with \"NOT_SERVING\"");
  expect(kSettings + kHeaders + frame(0, 0, 1, "\x00\x00\x00\x00\x00"s) + kTrailers, ProbeResult::kFailure,
         "\"UNKNOWN\"");
}

TEST(GrpcHealth, ErrorsOfTheServer) {
  const std::string unimplemented =
      "\x88\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x82\x08\xbf\x40\x89\x9a\xca\xc8\xb5\x25\x42\x07\x31\x7f\x9b\xb6\xae"
      "\xb5\x1f\xc5\x4a\x20"
      "\xb6\x77\x31\x0a\xa4\xd6\x56\x45\xe7\x28\xe8\x4c\xeb\xf7\x0a\xf8\xca\x3a\x13\x3f"s;
  expect(kSettings + frame(1, 5, 1, unimplemented), ProbeResult::kFailure,
         "does not implement the grpc health protocol");
  const std::string not_found =
      "\x88\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x81\x6f\x40\x89\x9a\xca\xc8\xb5\x25\x42\x07\x31\x7f\x8b\xb6\xae\xb5\x1f\xc5\x4a\x20\xb6\x77\x31\x0b"s;
  expect(kSettings + frame(1, 5, 1, not_found), ProbeResult::kFailure, "knows no service \"\": unknown service");
  expect(kSettings + frame(1, 5, 1, "\x48\x82\x6c\x02"s), ProbeResult::kFailure, "HTTP status 502");
  expect(kSettings + frame(3, 0, 1, "\x00\x00\x00\x08"s), ProbeResult::kFailure, "cancelled");
  expect(kSettings + frame(7, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x0b"s), ProbeResult::kFailure, "going away");
}

TEST(GrpcHealth, Garbage) {
  expect("HTTP/1.1 400 Bad Request\r\n\r\n", ProbeResult::kFailure, "does not speak HTTP/2");
  expect(kSettings + kHeaders + kTrailers, ProbeResult::kFailure, "malformed");
  expect(kSettings + kHeaders + frame(0, 1, 1, "\x01\x00\x00\x00\x02\x08\x01"s), ProbeResult::kFailure,
         "malformed");  // compressed
  expect(kSettings + kHeaders + frame(0, 1, 1, "\x00\x00\x00\x00\x09\x08\x01"s), ProbeResult::kFailure, "malformed");
  expect(kSettings + frame(1, 4, 1, "\xff"), ProbeResult::kFailure, "malformed");
  expect(kSettings + frame(1, 0, 1, "\x88") + data(1), ProbeResult::kFailure, "malformed");
  expect(kSettings + frame(0, 8, 1, "\x09x"), ProbeResult::kFailure, "malformed");
  std::string flood;
  for (int i = 0; i < 10; ++i) flood += frame(0, 0, 1, std::string(1000, 'x'));
  expect(kSettings + kHeaders + flood, ProbeResult::kFailure, "malformed");
}

TEST(GrpcHealth, AnswersWhatMustBeAnswered) {
  GrpcHealthCall call("127.0.0.1:1", "svc");
  EXPECT_TRUE(call.to_send().starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  EXPECT_TRUE(call.to_send().ends_with(frame(0, 1, 1, "\x00\x00\x00\x00\x05\x0a\x03svc"s)));
  call.to_send().clear();
  EXPECT_EQ(call.feed(kSettings + frame(6, 0, 0, "12345678") + frame(6, 1, 0, "12345678") + frame(4, 1, 0, "")),
            std::nullopt);
  EXPECT_EQ(call.to_send(), frame(4, 1, 0, "") + frame(6, 1, 0, "12345678"));
  EXPECT_EQ(GrpcHealthCall::end().result, ProbeResult::kFailure);
}

TEST(GrpcRefusal, EachCallIsRefusedInItsWords) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    GrpcHealthCall call("127.0.0.1:1", "svc");
    GrpcRefusal server("no such thing: do `that`");
    const std::string sent = std::exchange(call.to_send(), "");
    std::string answered;
    for (std::size_t at = 0; at < sent.size(); at += piece) {
      const auto said = server.feed(std::string_view(sent).substr(at, piece));
      ASSERT_TRUE(said);
      answered += *said;
    }
    const auto got = call.feed(answered);
    ASSERT_TRUE(got);
    EXPECT_NE(got->message.find("does not implement"), std::string::npos) << got->message;
    EXPECT_TRUE(got->message.ends_with("no such thing: do `that`")) << got->message;
  }
}

TEST(GrpcRefusal, CallsGoOnOverOneConnection) {
  GrpcRefusal server("no");
  const std::string begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  EXPECT_EQ(server.feed(begin + kSettings).value_or("none"), frame(4, 0, 0, "") + frame(4, 1, 0, ""));
  const auto refused = [](int stream) {
    return frame(1, 5, stream,
                 "\x88\x0f\x10\x10"
                 "application/grpc\x00\x0bgrpc-status\x02"
                 "12\x00\x0cgrpc-message\x02no"s);
  };
  EXPECT_EQ(server.feed(frame(1, 4, 1, "x")).value_or("none"), refused(1));
  // Headers in two frames; what is sent after them gets its room back; a ping; what is acknowledged is not again.
  EXPECT_EQ(server.feed(frame(1, 0, 3, "x")).value_or("none"), "");
  EXPECT_EQ(server.feed(frame(9, 4, 3, "y")).value_or("none"), refused(3));
  EXPECT_EQ(server.feed(frame(0, 1, 3, std::string(300, 'x'))).value_or("none"), frame(8, 0, 0, "\x00\x00\x01\x2c"s));
  EXPECT_EQ(server.feed(frame(0, 1, 3, "") + frame(6, 0, 0, "12345678") + frame(6, 1, 0, "12345678")).value_or("none"),
            frame(6, 1, 0, "12345678"));
  EXPECT_EQ(server.feed(frame(3, 0, 3, "abcd") + frame(7, 0, 0, "abcdefgh") + frame(77, 0, 0, "")).value_or("none"),
            "");
}

TEST(GrpcRefusal, WhatIsNoHttp2EndsTheConnection) {
  const std::string begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const std::string& wrong :
       {"GET / HTTP/1.1\r\n"s, "PRI * HTTP/1"s, begin + "\x00\x40\x01"s + std::string(6, '\0'),
        begin + frame(1, 4, 0, "x"), begin + frame(9, 4, 1, "x"), begin + frame(1, 0, 1, "x") + frame(0, 0, 1, "x"),
        begin + frame(1, 0, 1, "x") + frame(9, 4, 3, "x"), begin + frame(5, 4, 1, "x")})
    EXPECT_FALSE(GrpcRefusal("no").feed(wrong)) << testing::PrintToString(wrong);
}

}  // namespace
}  // namespace mete::agent
