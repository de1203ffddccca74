// SPDX-License-Identifier: Apache-2.0
// The key of a machine that encrypts what it sends to others: made once, kept from others, never repaired by guessing.
#include "agent/networks/overlay/overlay_key.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/etcd/messages.h"
#include "config/base/base64.h"
#include "runtime/file.h"
#include "tests/support/temp_dir.h"

namespace mete::agent {
namespace {

using runtime::network::TunnelKey;

TunnelKey key_of(const std::string& hex) {
  TunnelKey key{};
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return key;
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

TEST(OverlayKey, ThePublicOneFollows) {
  // RFC 7748, section 6.1.
  EXPECT_EQ(public_key_of(key_of("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")).value(),
            key_of("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
}

TEST(OverlayKey, IsMadeOnce) {
  const mete::testing::TempDir folder;
  const auto made = read_or_make_key(folder / "key");
  ASSERT_TRUE(made.has_value()) << made.error().what;
  EXPECT_EQ(mode_of(folder / "key"), 0600U);
  EXPECT_EQ(made->public_key, public_key_of(made->secret).value());
  const auto again = read_or_make_key(folder / "key");
  ASSERT_TRUE(again.has_value()) << again.error().what;
  EXPECT_EQ(again->secret, made->secret);
  EXPECT_NE(read_or_make_key(folder / "other").value().secret, made->secret);
  // One that a copy has opened to others is closed again.
  ASSERT_EQ(::chmod((folder / "key").c_str(), 0644), 0);
  ASSERT_TRUE(read_or_make_key(folder / "key").has_value());
  EXPECT_EQ(mode_of(folder / "key"), 0600U);
}

TEST(OverlayKey, WhatIsNoneStaysAndIsNotTold) {
  const mete::testing::TempDir folder;
  for (const std::string text : {"", "c2VjcmV0LXdvcmRz\n", "not base64 at all, a secret"}) {
    ASSERT_TRUE(runtime::replace_file(folder / "key", text, 0600).has_value());
    const auto read = read_or_make_key(folder / "key");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().what.find("ecret"), std::string::npos) << read.error().what;
    EXPECT_EQ(read.error().what.find("c2Vj"), std::string::npos) << read.error().what;
    EXPECT_EQ(runtime::read_file(AT_FDCWD, folder / "key").value(), text);
  }
  EXPECT_FALSE(read_or_make_key(folder / "absent/key").has_value());
}

}  // namespace
}  // namespace mete::agent
