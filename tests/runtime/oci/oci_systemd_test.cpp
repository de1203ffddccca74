// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>

#include "runtime/oci/dbus.h"
#include "runtime/oci/systemd.h"

namespace mete::runtime::oci {
namespace {

TEST(SystemdPath, SlicesLieInThoseThatTheirDashesName) {
  const auto path = [](const char* text) { return parse_systemd_path(text, "id").value().path(); };
  EXPECT_EQ(path("system.slice:docker:abc"), "/system.slice/docker-abc.scope");
  EXPECT_EQ(path("a-b-c.slice:crio:x"), "/a.slice/a-b.slice/a-b-c.slice/crio-x.scope");
  EXPECT_EQ(path(":libpod:x"), "/system.slice/libpod-x.scope");
  EXPECT_EQ(path("-.slice::x"), "/x.scope");
  EXPECT_EQ(path(""), "/system.slice/mete-oci-id.scope");
}

TEST(SystemdPath, WhatIsNoneIsRefused) {
  for (const char* const text : {"/plain", "a:b", "a.slice:b:c:d", "a.service:b:c", "a.slice:b:", "a.slice:../b:c",
                                 "a--b.slice:c:d", "-a.slice:c:d", ".slice:a:b", "a.slice:b/c:d"}) {
    const auto unit = parse_systemd_path(text, "id");
    ASSERT_FALSE(unit) << text;
    EXPECT_NE(unit.error().what.find("expected slice:prefix:name"), std::string::npos);
  }
}

TEST(SystemdProperties, AreWhatSystemdCallsTheLimits) {
  cgroup::Limits limits;
  limits.memory = cgroup::Limit<Bytes>(Bytes(1 << 20));
  limits.cpu_shares = 1024;
  limits.cpu_bandwidth = cgroup::CpuBandwidth{
      cgroup::Limit<std::chrono::microseconds>(std::chrono::microseconds(12'345)), std::chrono::microseconds(100'000)};
  limits.pids = cgroup::Limit<std::uint64_t>();
  limits.cpuset_cpus = "0-1,9";
  using Properties = std::vector<dbus::Property>;
  EXPECT_EQ(unit_properties(limits, true),
            (Properties{{"MemoryMax", std::uint64_t{1 << 20}},
                        {"CPUWeight", std::uint64_t{100}},
                        {"CPUQuotaPeriodUSec", std::uint64_t{100'000}},
                        {"CPUQuotaPerSecUSec", std::uint64_t{130'000}},  // rounded up to 10 ms
                        {"TasksMax", ~std::uint64_t{0}},
                        {"AllowedCPUs", std::vector<std::uint8_t>{3, 2}}}));
  const auto v1 = unit_properties(limits, false);
  EXPECT_EQ(v1.front(), (dbus::Property{"MemoryLimit", std::uint64_t{1 << 20}}));
  EXPECT_EQ(v1[1], (dbus::Property{"CPUShares", std::uint64_t{1024}}));
}

TEST(DBus, ACallHasItsPartsWhereTheSpecificationWantsThem) {
  dbus::Call call{"d.x", "/p", "i.f", "M", "sa(sv)", {}};
  call.body.text("unit");
  call.body.properties({{"A", true}, {"N", std::uint64_t{7}}});
  const std::string bytes = dbus::to_bytes(call, 3);
  EXPECT_EQ(dbus::length_of(bytes), bytes.size());
  EXPECT_EQ(bytes.substr(0, 4), std::string("l\1\0\1", 4));
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + 8, 4);
  EXPECT_EQ(number, 3U);
  std::memcpy(&number, bytes.data() + 4, 4);
  EXPECT_EQ(number, call.body.bytes().size());
  EXPECT_EQ((bytes.size() - number) % 8, 0U) << "the body is aligned to 8";
  // "unit" with its length and NUL, padding to 4, the array's length, padding to 8, then a struct.
  const std::string& body = call.body.bytes();
  EXPECT_EQ(body.substr(0, 9), std::string("\4\0\0\0unit\0", 9));
  std::memcpy(&number, body.data() + 12, 4);
  EXPECT_EQ(number, body.size() - 16) << "without the padding before its first element";
  EXPECT_EQ(body.substr(16, 6), std::string("\1\0\0\0A\0", 6));
}

// As systemd 252 sent it: NoSuchUnit with a text.
const std::string kError(
    "l\3\1\1$\0\0\0\1\0\0\0g\0\0\0\5\1u\0\1\0\0\0\4\1s\0#\0\0\0org.freedesktop.systemd1."
    "NoSuchUnit\0\0\0\0\0\7\1s\0\30\0\0\0org.freedesktop.systemd1\0\0\0\0\0\0\0\0"
    "\10\1g\0\1s\0\0\37\0\0\0Unit mete-one.scope not loaded.\0",
    156);

TEST(DBus, AnErrorIsReadWithItsNameAndText) {
  const auto reply = dbus::parse_reply(kError);
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->type, 3);
  EXPECT_EQ(reply->answers, 1U);
  EXPECT_EQ(reply->error, "org.freedesktop.systemd1.NoSuchUnit");
  EXPECT_EQ(reply->text, "Unit mete-one.scope not loaded.");
}

TEST(DBus, NoLengthIsTrusted) {
  EXPECT_EQ(dbus::length_of("B\3\1\1"), 0U);
  for (std::size_t i = 0; i < kError.size(); ++i) {
    EXPECT_FALSE(dbus::parse_reply(kError.substr(0, i))) << i;
    for (const char other : {'\0', '\xff', 's'}) {
      std::string changed = kError;
      changed[i] = other;
      (void)dbus::parse_reply(changed);  // whatever it makes of it
    }
  }
}

}  // namespace
}  // namespace mete::runtime::oci
