// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/dns/name_book.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;

Endpoint endpoint(const std::string& network, const std::string& address, std::vector<std::string> names) {
  Endpoint made;
  made.network = network;
  if (!address.empty()) made.address = ip(address);
  made.names = std::move(names);
  return made;
}

std::vector<std::string> addresses(const std::vector<NameBook::Called>& found) {
  std::vector<std::string> all;
  for (const auto& each : found) all.push_back(each.space + " " + to_string(each.address));
  return all;
}

using Addresses = std::vector<std::string>;

TEST(NameBook, FindsPodsByEachNameInTheirNetworkAlone) {
  Members members;
  members.change("a").endpoint = endpoint("bridge", "10.77.0.2", {"default/web", "web", "www", "web"});
  members.change("b").endpoint = endpoint("bridge", "10.77.0.3", {"shop/web", "web"});
  members.change("c").endpoint = endpoint("other", "10.78.0.2", {"default/web", "web"});
  const NameBook book(members);
  EXPECT_EQ(addresses(book.called("bridge", "web")), (Addresses{"default 10.77.0.2", "shop 10.77.0.3"}));
  EXPECT_EQ(addresses(book.called("bridge", "www")), Addresses{"default 10.77.0.2"});
  EXPECT_EQ(addresses(book.called("bridge", "shop/web")), Addresses{"shop 10.77.0.3"});
  EXPECT_EQ(addresses(book.called("other", "web")), Addresses{"default 10.78.0.2"});
  EXPECT_TRUE(book.called("bridge", "nobody").empty());
  EXPECT_TRUE(book.called("none", "web").empty());
}

TEST(NameBook, FurtherNetworksAndBothKindsOfAddressesCount) {
  Members members;
  Member& web = members.change("a");
  web.endpoint = endpoint("bridge", "10.77.0.2", {"default/web", "web"});
  web.endpoint.address6 = ip("fd00::2");
  web.more = {endpoint("shop", "10.78.0.9", {"default/web", "web"})};
  const NameBook book(members);
  for (const char* each : {"10.77.0.2", "fd00::2", "10.78.0.9"}) {
    ASSERT_NE(book.owner_of(ip(each)), nullptr) << each;
    EXPECT_EQ(*book.owner_of(ip(each)), "a");
  }
  EXPECT_EQ(book.owner_of(ip("10.77.0.3")), nullptr);
  ASSERT_EQ(book.called("bridge", "web").size(), 1U);
  EXPECT_EQ(book.called("bridge", "web")[0].address6, ip("fd00::2"));
  EXPECT_EQ(addresses(book.called("shop", "web")), Addresses{"default 10.78.0.9"});
}

TEST(NameBook, OneInTheNetworkOfAnotherHasANameAndNoAddressOfItsOwn) {
  Members members;
  members.change("b").endpoint = endpoint("bridge", "10.77.0.2", {"default/web", "web"});
  Endpoint& side = members.change("a").endpoint;  // before the other in the order of uids
  side = endpoint("bridge", "10.77.0.2", {"default/side"});
  side.shared = true;
  const NameBook book(members);
  ASSERT_NE(book.owner_of(ip("10.77.0.2")), nullptr);
  EXPECT_EQ(*book.owner_of(ip("10.77.0.2")), "b");
  EXPECT_EQ(addresses(book.called("bridge", "default/side")), Addresses{"default 10.77.0.2"});
}

TEST(NameBook, OneWithoutAnAddressIsNotFound) {
  Members members;
  members.change("a").endpoint = endpoint("none", "", {"default/web", "web"});
  members.change("b").endpoint = endpoint("bridge", "10.77.0.2", {});
  const NameBook book(members);
  EXPECT_TRUE(book.called("none", "web").empty());
  EXPECT_EQ(book.owner_of({}), nullptr);
  EXPECT_EQ(*book.owner_of(ip("10.77.0.2")), "b");
}

TEST(Members, EachChangeMakesAnotherVersion) {
  Members members;
  std::uint64_t before = members.version();
  const auto is_another = [&] { return std::exchange(before, members.version()) != members.version(); };
  members.change("a").endpoint.network = "bridge";
  EXPECT_TRUE(is_another());
  EXPECT_EQ(members.find("a")->second.endpoint.network, "bridge");
  EXPECT_FALSE(is_another());
  members.erase("a");
  EXPECT_TRUE(is_another());
  EXPECT_TRUE(members.empty());
}

}  // namespace
}  // namespace mete::agent
