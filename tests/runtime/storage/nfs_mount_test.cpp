// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/nfs_mount.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>

namespace mete::runtime::storage {
namespace {

TEST(NfsMount, TheNewestVersionIsTriedFirst) {
  const auto requests = nfs_requests({"nas.example", "/export/a b", true}, "10.0.0.5");
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0], (MountRequest{"nfs4", "nas.example:/export/a b", MS_RDONLY,
                                       "vers=4.2,proto=tcp,soft,timeo=100,retrans=2,addr=10.0.0.5"}));
  EXPECT_TRUE(requests[1].options.starts_with("vers=4.1,"));
  EXPECT_TRUE(requests[2].options.starts_with("vers=4.0,"));
  EXPECT_EQ(nfs_requests({"nas", "/e", false}, "10.0.0.5")[0].flags, 0U);
}

TEST(NfsMount, AnAddressOfVersion6StandsInBrackets) {
  const auto request = nfs_requests({"fd00::5", "/e", false}, "fd00::5").at(0);
  EXPECT_EQ(request.source, "[fd00::5]:/e");
  EXPECT_TRUE(request.options.starts_with("vers=4.2,proto=tcp6,"));
  EXPECT_TRUE(request.options.ends_with(",addr=fd00::5"));
}

TEST(NfsMount, AnotherVersionIsTriedOnlyWhereThisOneIsRefused) {
  EXPECT_TRUE(is_refused_version(EPROTONOSUPPORT));
  EXPECT_TRUE(is_refused_version(EINVAL));
  for (const int code : {ENODEV, ETIMEDOUT, EACCES, ECONNREFUSED, ENOENT})
    EXPECT_FALSE(is_refused_version(code)) << code;
}

TEST(NfsMount, AddressesAreThoseOfTheName) {
  EXPECT_EQ(addresses_of("127.0.0.1").value(), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(addresses_of("::1").value(), std::vector<std::string>{"::1"});
}

}  // namespace
}  // namespace mete::runtime::storage
