// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/registry/hosts.h"
#include "runtime/registry/reference.h"
#include "runtime/registry/url.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::registry {
namespace {

TEST(Reference, NamesLeadWhereDockersDo) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const struct {
    std::string name;
    Reference reference;
  } cases[] = {
      {"busybox", {"docker.io", "library/busybox", "latest", ""}},
      {"docker.io/library/busybox:1", {"docker.io", "library/busybox", "1", ""}},
      {"index.docker.io/busybox", {"docker.io", "library/busybox", "latest", ""}},
      {"team/app:v2", {"docker.io", "team/app", "v2", ""}},
      {"localhost/app", {"localhost", "app", "latest", ""}},
      {"localhost:5000/a/b/c:x", {"localhost:5000", "a/b/c", "x", ""}},
      {"registry.example/library/app", {"registry.example", "library/app", "latest", ""}},
      {"busybox:1@" + digest, {"docker.io", "library/busybox", "", digest}},
      {"r.example:1/a@" + digest, {"r.example:1", "a", "", digest}},
  };
  for (const auto& each : cases) {
    const auto found = parse_reference(each.name);
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(*found, each.reference) << each.name << " is " << found->whole();
  }
  EXPECT_EQ(parse_reference("busybox")->whole(), "docker.io/library/busybox:latest");
  EXPECT_EQ(parse_reference("a@" + digest)->whole(), "docker.io/library/a@" + digest);
  EXPECT_EQ(parse_reference("a@" + digest)->target(), digest);
  EXPECT_FALSE(parse_reference("Busybox"));
}

TEST(Reference, LoginsAreKeptUnderDockersKeys) {
  EXPECT_EQ(login_key("docker.io"), "https://index.docker.io/v1/");
  EXPECT_EQ(login_key("r.example:5000"), "r.example:5000");
  for (const char* hub : {"", "docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"})
    EXPECT_EQ(login_host(hub), "docker.io") << hub;
  EXPECT_EQ(login_host("https://r.example:5000/v2/"), "r.example:5000");
  EXPECT_EQ(api_host("docker.io"), "registry-1.docker.io");
  EXPECT_EQ(api_host("r.example"), "r.example");
}

TEST(Reference, LoopbackIsWhatNoOtherMachineIs) {
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:5000"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"localhost.example", "128.0.0.1", "127.0.0.1.example", "0.0.0.0", "127", "[::2]"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Url, IsReadAndResolved) {
  const auto base = parse_url("https://R.example:5000/v2/a/blobs/uploads/?x=1");
  ASSERT_TRUE(base);
  EXPECT_EQ(*base, (Url{"https", "r.example:5000", "/v2/a/blobs/uploads/?x=1"}));
  EXPECT_EQ(parse_url("http://a")->target, "/");
  EXPECT_EQ(parse_url("http://a?q#f")->target, "/?q");
  for (const char* wrong : {"", "a", "ftp://a/", "https://", "https:///x", "https://user@a/", "https://a b/",
                            "https://a\\@b/", "https://a/\n"})
    EXPECT_FALSE(parse_url(wrong)) << wrong;
  const auto resolved = [&](const char* location) { return resolve_location(*base, location)->text(); };
  EXPECT_EQ(resolved("/v2/b?c=d"), "https://r.example:5000/v2/b?c=d");
  EXPECT_EQ(resolved("//other/x"), "https://other/x");
  EXPECT_EQ(resolved("uuid?y"), "https://r.example:5000/v2/a/blobs/uploads/uuid?y");
  EXPECT_EQ(resolved("http://other/x"), "http://other/x");
  EXPECT_EQ(resolved("/to?next=http://other/"), "https://r.example:5000/to?next=http://other/");
  EXPECT_FALSE(resolve_location(*base, ""));
}

TEST(Url, OneOriginIsSchemeHostAndPort) {
  const auto same = [](const char* a, const char* b) { return same_origin(*parse_url(a), *parse_url(b)); };
  EXPECT_TRUE(same("https://a/x", "https://A:443/y"));
  EXPECT_TRUE(same("http://a:80/", "http://a/"));
  EXPECT_FALSE(same("https://a/", "http://a/"));
  EXPECT_FALSE(same("https://a/", "https://a:5000/"));
  EXPECT_FALSE(same("https://a/", "https://b/"));
  EXPECT_FALSE(same("https://a/", "https://a.b/"));
}

TEST(HttpHead, TheLastAnswerCounts) {
  HttpHead head;
  for (const char* line : {"HTTP/1.1 100 Continue\r\n", "X: old\r\n"}) EXPECT_FALSE(take_header_line(head, line));
  EXPECT_FALSE(take_header_line(head, "\r\n")) << "an answer follows";
  for (const char* line :
       {"HTTP/2 200 \r\n", "Docker-Content-DIGEST:  sha256:a \r\n", "nonsense\r\n", "A: 1\r\n", "a:2\n"})
    EXPECT_FALSE(take_header_line(head, line));
  EXPECT_TRUE(take_header_line(head, "\r\n"));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("docker-content-digest"), "sha256:a ");
  EXPECT_EQ(head.header("a"), "1, 2");
  EXPECT_EQ(head.header("x"), "");
}

TEST(Hosts, MirrorsComeFirstAndTlsIsTheRule) {
  config::RegistryPolicy policy;
  policy.insecure = {"plain.lan:5000"};
  policy.mirrors = {{"docker.io", {"mirror.lan", "localhost:5001"}}};
  const auto hub = endpoints_of("docker.io", policy, true);
  ASSERT_TRUE(hub);
  const std::vector<Endpoint> expected = {{"mirror.lan", "mirror.lan", false, true},
                                          {"localhost:5001", "localhost:5001", true, true},
                                          {"docker.io", "registry-1.docker.io", false, false}};
  EXPECT_EQ(*hub, expected);
  EXPECT_EQ(endpoints_of("docker.io", policy, false)->size(), 1U);
  EXPECT_TRUE(endpoints_of("plain.lan:5000", policy, true)->front().plain_allowed);
  EXPECT_FALSE(endpoints_of("plain.lan", policy, true)->front().plain_allowed);
  EXPECT_TRUE(endpoints_of("127.0.0.1:1", policy, true)->front().plain_allowed);
  policy.blocked = {"docker.io"};
  EXPECT_EQ(endpoints_of("docker.io", policy, true).error().code, EHOSTUNREACH);
  EXPECT_TRUE(endpoints_of("other", policy, true));
  policy.blocked = {"*"};
  EXPECT_FALSE(endpoints_of("other", policy, true));
}

TEST(Hosts, CertificatesAreThoseOfTheHostsFolder) {
  const testing::TempDir dir;
  const auto make = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir / name).parent_path());
    std::ofstream(dir / name) << text;
  };
  make("a/r.example:5000/ca.crt", "ONE");
  make("a/r.example:5000/more.crt", "TWO");
  make("a/r.example:5000/client.cert", "C");
  make("a/r.example:5000/client.key", "K");
  make("b/r.example:5000/ca.crt", "OTHER");
  make("b/half/client.cert", "C");
  const std::vector<std::string> folders = {dir / "none", dir / "a", dir / "b"};
  const auto files = tls_files("r.example:5000", folders);
  ASSERT_TRUE(files) << files.error().what;
  EXPECT_EQ(files->authorities, "ONE\nTWO\n");
  EXPECT_EQ(files->certificate, dir / "a/r.example:5000/client.cert");
  EXPECT_EQ(files->key, dir / "a/r.example:5000/client.key");
  EXPECT_EQ(tls_files("r.example", folders).value(), TlsFiles{});
  EXPECT_NE(tls_files("half", folders).error().what.find("client.key"), std::string::npos);
}

}  // namespace
}  // namespace mete::runtime::registry
