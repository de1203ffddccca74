// SPDX-License-Identifier: Apache-2.0
// The parts of the HTTP side that need no socket.
#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>

#include "agent/http/gzip.h"
#include "agent/http/http_connections.h"
#include "agent/http/http_message.h"
#include "agent/http/http_negotiate.h"
#include "agent/http/http_sd.h"
#include "agent/http/http_url.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using collectors::Format;

struct Accept {
  const char* header;
  Format format;
};

TEST(Negotiate, FormatIsWhatTheScraperPrefersAndWeWrite) {
  const Accept all[] = {
      {"", Format::kText},
      {"*/*", Format::kText},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format::kText},
      // Prometheus 2.42
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/"
       "plain;version=0.0.4;q=0.5,*/*;q=0.1",
       Format::kOpenMetrics},
      // Prometheus 2.42 and 2.50, native histograms
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/"
       "openmetrics-text;version=1.0.0;q=0.8,"
       "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       Format::kProtobuf},
      // Prometheus 3
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/"
       "openmetrics-text;version=0.0.1;q=0.4,"
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       Format::kOpenMetrics},
      // scrape_protocols: [PrometheusText0.0.4]
      {"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Format::kText},
      {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4", Format::kText},
      {"application/openmetrics-text", Format::kOpenMetrics},
      {"Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8", Format::kOpenMetrics},
      {"application/openmetrics-text;version=2.0.0", Format::kText},
      {"application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.1",
       Format::kOpenMetrics},
      {"application/openmetrics-text;q=0", Format::kText},
      {"application/openmetrics-text;q=0,*/*", Format::kText},
      {"application/openmetrics-text;q=0.4,text/plain;q=0.5", Format::kText},
      {"application/openmetrics-text;q=0.5,text/plain;q=0.5", Format::kOpenMetrics},
      {"application/openmetrics-text;q=nan", Format::kText},
      {"application/openmetrics-text;q=", Format::kText},
      {"application/openmetrics-text;q=7", Format::kText},
      {",,;;=,q=,;version", Format::kText},
      {"application/*", Format::kText},
      // Prometheus 3, native histograms
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/"
       "openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       Format::kProtobuf},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.4,"
       "text/plain;q=0.4",
       Format::kText},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", Format::kText},
      {"application/vnd.google.protobuf;proto=other.Message;encoding=delimited", Format::kText},
      {"application/vnd.google.protobuf", Format::kText},
  };
  for (const auto& each : all) EXPECT_EQ(choose_format(each.header), each.format) << each.header;
  EXPECT_STREQ(content_type(Format::kText), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_STREQ(content_type(Format::kOpenMetrics), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(Negotiate, GzipOnlyWhereItIsTaken) {
  for (const char* yes : {"gzip", "GZIP", "x-gzip", "deflate, gzip;q=1.0, *;q=0.5", "*", "gzip;q=0.001", " gzip ",
                          "br,gzip", "identity;q=0.5, gzip;q=1.0", "*;q=0.5"}) {
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "br", "gzipp", "deflate",
                         "gzip;q=x", ",;"}) {
    EXPECT_FALSE(accepts_gzip(no)) << no;
  }
}

Result<std::string> gunzip(const std::string& packed) {
  z_stream z{};
  constexpr int kGzipWindow = 15 + 16;
  if (::inflateInit2(&z, kGzipWindow) != Z_OK) return fail("inflateInit2");
  std::string out(64U << 20U, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int code = ::inflate(&z, Z_FINISH);
  out.resize(z.total_out);
  const bool rest = z.avail_in != 0;
  ::inflateEnd(&z);
  if (code != Z_STREAM_END || rest) return fail("inflate: " + std::to_string(code));
  return out;
}

TEST(Gzip, PiecesComeBackAsTheyWere) {
  std::string text;
  for (int i = 0; i < 200'000; ++i)
    text += "container_cpu_usage_seconds_total{id=\"/x/" + std::to_string(i * 7919 % 1000) + "\"} " +
            std::to_string(i) + "\n";
  for (const std::size_t piece : {std::size_t{1} << 30U, std::size_t{65'536}, std::size_t{16'384}, std::size_t{4099}}) {
    auto writer = GzipWriter::create();
    ASSERT_TRUE(writer);
    std::string packed;
    for (std::size_t at = 0; at < text.size(); at += piece)
      ASSERT_TRUE(writer->append(std::string_view(text).substr(at, piece), packed));
    ASSERT_TRUE(writer->append({}, packed));
    ASSERT_TRUE(writer->finish(packed));
    EXPECT_LT(packed.size(), text.size() / 4);
    const auto back = gunzip(packed);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(*back, text);
  }
}

TEST(Gzip, NothingIsAWholeStreamToo) {
  auto writer = GzipWriter::create();
  std::string packed;
  ASSERT_TRUE(writer->finish(packed));
  EXPECT_EQ(gunzip(packed).value(), "");
}

TEST(Url, TargetsAreTakenApart) {
  const auto target = parse_target("/metrics%2Fx+y?collect[]=cpu&collect%5B%5D=memory&a+b=%31+2&flag&=&&%zz=%4&c[]=");
  EXPECT_EQ(target.path, "/metrics/x+y");
  HttpRequest request;
  request.query = target.query;
  EXPECT_EQ(request.parameters("collect[]"), (std::vector<std::string>{"cpu", "memory"}));
  EXPECT_EQ(request.parameter("collect[]"), "cpu");
  EXPECT_EQ(request.parameter("a b"), "1 2");
  EXPECT_EQ(request.parameters("flag"), std::vector<std::string>{""});
  EXPECT_EQ(request.parameter("%zz"), "%4");
  EXPECT_EQ(request.query.size(), 6U);
  EXPECT_TRUE(request.parameters("none").empty());
  EXPECT_EQ(parse_target("http://host:1/metrics?a=b").path, "/metrics");
  EXPECT_EQ(parse_target("http://host").path, "/");
  EXPECT_EQ(parse_target("http:/info?a=b").path, "/info");
  EXPECT_EQ(parse_target("?a=b").query.size(), 1U);
  EXPECT_EQ(url_decode(url_encode("a b/ü?&=%")), "a b/ü?&=%");
}

TEST(Message, AHeadSaysWhatFollows) {
  HttpResponse response;
  response.encoding = "gzip";
  response.headers = {{"Vary", "Accept"}};
  const std::string head = head_text(response, {11, true, true, {}}, {{"X-Frame-Options", "deny"}});
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\nServer: mete\r\nDate: ")) << head;
  for (const char* line : {"\r\nContent-Encoding: gzip\r\n", "\r\nVary: Accept\r\n", "\r\nX-Frame-Options: deny\r\n",
                           "\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_NE(head.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(head.find("Connection"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_NE(head_text({}, {10, true, false, 5}, {}).find("HTTP/1.0 200 OK"), std::string::npos);
  EXPECT_NE(head_text({}, {10, true, false, 5}, {}).find("Connection: keep-alive"), std::string::npos);
  EXPECT_NE(head_text({}, {11, false, false, 5}, {}).find("Content-Length: 5\r\nConnection: close"), std::string::npos);
  EXPECT_EQ(framed("0123456789abcdef!"), "11\r\n0123456789abcdef!\r\n");
  EXPECT_EQ(framed(""), "") << "an empty chunk would end the body";
}

TEST(Message, TheScrapersOwnTimeoutIsRead) {
  const auto timeout = [](const char* value) {
    RawRequest raw(boost::beast::http::verb::get, "/", 11);
    raw.set("x-prometheus-scrape-timeout-seconds", value);
    return request_of(std::move(raw)).scrape_timeout;
  };
  EXPECT_EQ(timeout("10"), std::chrono::seconds(10));
  EXPECT_EQ(timeout("0.5"), std::chrono::milliseconds(500));
  for (const char* wrong : {"", "x", "-1", "0", "inf", "nan", "1e300", "10s"}) EXPECT_FALSE(timeout(wrong)) << wrong;
}

HttpRequest asked(const std::string& host, bool local = false) {
  HttpRequest request;
  request.host = host;
  request.local = local;
  request.tcp_address = "0.0.0.0:9753";
  return request;
}

std::string target_of(const HttpRequest& request) {
  return nlohmann::json::parse(service_discovery(request, "box").body).at(0).at("targets").at(0);
}

TEST(ServiceDiscovery, IsTheAddressThatWasAsked) {
  EXPECT_EQ(target_of(asked("mete.example:9753")), "mete.example:9753");
  EXPECT_EQ(target_of(asked("192.0.2.1")), "192.0.2.1:80");
  EXPECT_EQ(target_of(asked("[2001:db8::1]:9753")), "[2001:db8::1]:9753");
  EXPECT_EQ(target_of(asked("[2001:db8::1]")), "[2001:db8::1]:80");
  EXPECT_EQ(target_of(asked("localhost", true)), "box:9753") << "the unix socket's Host says nothing";
  for (const char* wrong :
       {"", ":1", "a b", "a:b", "a:", "a:0", "a:65536", "[::1", "[]", "a/b", "a\"b", "[::1]x", "a:1:2"})
    EXPECT_EQ(target_of(asked(wrong)), "box:9753") << wrong;
  auto request = asked("mete.example");
  request.tls = true;
  const auto response = service_discovery(request, "box");
  EXPECT_EQ(response.type, "application/json");
  const auto group = nlohmann::json::parse(response.body).at(0);
  EXPECT_EQ(group.at("targets").at(0), "mete.example:443");
  EXPECT_EQ(group.at("labels").at("__scheme__"), "https");
  EXPECT_EQ(group.at("labels").at("__metrics_path__"), "/metrics");
  request = asked("");
  request.tcp_address = "[::1]:1234";
  EXPECT_EQ(target_of(request), "[::1]:1234");
}

TEST(Connections, AnIdleOneMakesRoom) {
  HttpConnections all(3, 2);
  auto a1 = all.enter("a");
  auto a2 = all.enter("a");
  EXPECT_EQ(all.enter("a"), nullptr) << "two of one address";
  auto b = all.enter("b");
  EXPECT_EQ(all.enter("c"), nullptr) << "three in all";
  a1->idle([&] { a1.reset(); });
  a2->idle([&] { a2.reset(); });
  auto c = all.enter("c");
  EXPECT_NE(c, nullptr);
  EXPECT_EQ(a1, nullptr) << "idle longest";
  EXPECT_NE(a2, nullptr);
  a2->busy();
  EXPECT_EQ(all.enter("d"), nullptr);
  a2->idle([&] { a2.reset(); });
  b->idle([&] { b.reset(); });
  auto b2 = all.enter("b");
  EXPECT_NE(b2, nullptr);
  EXPECT_EQ(a2, nullptr);
  EXPECT_EQ(all.size(), 3U);
  b.reset();
  b2.reset();
  c.reset();
  EXPECT_EQ(all.size(), 0U);
}

TEST(Connections, OneNeighbourIsOnePeer) {
  const auto key = [](const char* address) { return peer_key(asio::ip::make_address(address)); };
  EXPECT_EQ(key("192.0.2.1"), key("::ffff:192.0.2.1"));
  EXPECT_EQ(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::"));
  EXPECT_NE(key("2001:db8:1:2::"), key("2001:db8:1:3::"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
}

}  // namespace
}  // namespace mete::agent
