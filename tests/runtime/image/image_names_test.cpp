// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/image/sha256.h"
#include "runtime/image/store.h"
#include "runtime/image/users.h"

namespace mete::runtime::image {
namespace {

TEST(ImageName, ShortAndLongFormsAreTheSame) {
  const std::pair<const char*, const char*> names[] = {
      {"busybox", "busybox:latest"},
      {"busybox:1.36", "busybox:1.36"},
      {"library/busybox", "busybox:latest"},
      {"docker.io/busybox", "busybox:latest"},
      {"docker.io/library/busybox", "busybox:latest"},
      {"index.docker.io/library/nginx:1.25", "nginx:1.25"},
      {"team/app", "team/app:latest"},
      {"library/team/app", "library/team/app:latest"},
      {"registry.example:5000/team/app", "registry.example:5000/team/app:latest"},
      {"localhost/app:A_1.b-c", "localhost/app:A_1.b-c"},
      {"localhost:5000/library/app", "localhost:5000/library/app:latest"},
      {"a__b--c.d", "a__b--c.d:latest"},
  };
  for (const auto& [name, normal] : names) {
    const auto found = normalize_name(name);
    ASSERT_TRUE(found) << name << ": " << found.error().what;
    EXPECT_EQ(*found, normal) << name;
    EXPECT_EQ(normalize_name(*found).value_or(""), normal) << "not stable";
  }
}

TEST(ImageName, WhatIsNoneIsAnError) {
  for (const char* name : {"",
                           " ",
                           "a b",
                           "Busybox",
                           "team/App",
                           "..",
                           "../a",
                           "a/../b",
                           "a/..",
                           "/a",
                           "a/",
                           "a//b",
                           ".a",
                           "a.",
                           "a..b",
                           "a___b",
                           "a:",
                           "a:b:c",
                           "a: b",
                           "a:-b",
                           "a+b",
                           "a%2fb",
                           "docker.io/",
                           "-",
                           "a\nb",
                           "ex..ample.org/a",
                           "example.org:port/a",
                           "a\\b"}) {
    const auto found = normalize_name(name);
    EXPECT_FALSE(found) << name << " became " << *found;
  }
  EXPECT_FALSE(normalize_name(std::string("a\0b", 3)));
  EXPECT_FALSE(normalize_name(std::string(1000, 'a')));
  const auto shortest = normalize_name(std::string(233, 'a'));
  ASSERT_TRUE(shortest);
  const auto spelled_out = normalize_name("docker.io/library/" + std::string(233, 'a'));
  ASSERT_TRUE(spelled_out);
  EXPECT_EQ(*spelled_out, *shortest);
  EXPECT_FALSE(normalize_name(std::string(234, 'a'))) << "with :latest its record's file name is too long";
  EXPECT_FALSE(normalize_name("a:" + std::string(129, 'a')));
}

TEST(ImageName, ADigestTakesThePlaceOfTheTag) {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  EXPECT_EQ(normalize_name("busybox" + digest).value_or(""), "busybox" + digest);
  EXPECT_EQ(normalize_name("docker.io/library/busybox:1.2" + digest).value_or(""), "busybox" + digest);
  EXPECT_EQ(normalize_name("localhost:5000/a" + digest).value_or(""), "localhost:5000/a" + digest);
  for (const char* wrong : {"busybox@", "busybox@sha256:aa", "busybox@latest", "a@sha512:00", "@sha256:00"})
    EXPECT_FALSE(normalize_name(wrong)) << wrong;
  EXPECT_FALSE(normalize_name("a" + digest + digest));
}

TEST(Sha256, StandardVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesMakeTheSameSum) {
  const std::string text(1000, 'x');
  for (const std::size_t size : {1U, 7U, 55U, 56U, 63U, 64U, 65U, 119U, 128U, 999U}) {
    Sha256 sum;
    for (std::size_t at = 0; at < text.size(); at += size) sum.update(std::string_view(text).substr(at, size));
    EXPECT_EQ(sum.hex(), sha256_hex(text)) << size;
  }
}

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# a comment\n"
    "broken:x:12x:12::/:/bin/sh\n"
    "huge:x:4294967296:1::/:/bin/sh\n"
    "short:x:5:5\n"
    "app:x:1000:1001:App:/home/app:/bin/sh\n";
constexpr const char* kGroup =
    "root:x:0:root\nbin:x:1:root,daemon\napps:x:1001:app\nstaff:x:50:app,other\naudio:x:29:app\n";

TEST(ImageUser, Forms) {
  const std::pair<const char*, ResolvedUser> users[] = {
      {"", {0, 0, {1}, "/root"}},
      {"root", {0, 0, {1}, "/root"}},
      {"1000", {1000, 1001, {29, 50}, "/home/app"}},
      {"app", {1000, 1001, {29, 50}, "/home/app"}},
      {"4242", {4242, 0, {}, "/"}},
      {"1000:1000", {1000, 1000, {}, "/home/app"}},
      {"app:staff", {1000, 50, {}, "/home/app"}},
      {"4242:staff", {4242, 50, {}, "/"}},
      {"app:7", {1000, 7, {}, "/home/app"}},
  };
  for (const auto& [user, expected] : users) {
    const auto found = resolve_user(user, kPasswd, kGroup);
    ASSERT_TRUE(found) << user << ": " << found.error().what;
    EXPECT_EQ(*found, expected) << user;
  }
}

TEST(ImageUser, WhatIsNotFoundIsNeverRoot) {
  for (const char* user :
       {"nobody", "broken", "huge", "short", "app:nobody", ":staff", "app:", "app:staff:x", ":", "-1", "4294967295",
        "4294967296", "99999999999999999999", "+1", "0x10", "12abc", "app:-1", " "}) {
    const auto found = resolve_user(user, kPasswd, kGroup);
    EXPECT_FALSE(found) << user << " became " << found->uid << ":" << found->gid;
  }
  EXPECT_TRUE(resolve_user("1000", "", ""));
  EXPECT_FALSE(resolve_user("app", "", ""));
}

TEST(ImageUser, ItsOwnGroupIsAmongTheOthers) {
  using Groups = std::vector<std::uint32_t>;
  EXPECT_EQ(process_groups({1000, 50, {}, "/"}), (Groups{50}));
  EXPECT_EQ(process_groups({1000, 50, {7, 1001}, "/"}), (Groups{50, 7, 1001}));
  EXPECT_EQ(process_groups({1000, 50, {7, 50}, "/"}), (Groups{7, 50})) << "once";
}

}  // namespace
}  // namespace mete::runtime::image
