// SPDX-License-Identifier: Apache-2.0
// A responder for names over sockets that it is given.
#include "agent/networks/dns/dns_responder.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

namespace mete::agent {
namespace {

using runtime::UniqueFd;

sockaddr* plain(sockaddr_in& address) {
  return static_cast<sockaddr*>(static_cast<void*>(&address));
}

// A socket on the loopback, and where it is.
UniqueFd bound(sockaddr_in& address) {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.get(), plain(address), size), 0);
  EXPECT_EQ(::getsockname(socket.get(), plain(address), &size), 0);
  return socket;
}

// Asks for the address of "db".
std::string query(char id) {
  return std::string("\0", 1) + id + std::string("\1\0\0\1\0\0\0\0\0\0\2db\0\0\1\0\1", 18);
}

class DnsResponderTest : public testing::Test {
 protected:
  // The last four bytes of the answer; empty: there is none.
  std::string ask(const sockaddr_in& to) {
    sockaddr_in own;
    const UniqueFd asker = bound(own);
    const std::string text = query('x');
    sockaddr_in target = to;
    EXPECT_EQ(::sendto(asker.get(), text.data(), text.size(), 0, plain(target), sizeof target),
              static_cast<ssize_t>(text.size()));
    std::array<char, 512> buffer;
    ssize_t got = -1;
    for (int turn = 0; turn < 20 && got < 0; ++turn) {
      loop_.run_for(std::chrono::milliseconds(10));
      loop_.restart();
      got = ::recv(asker.get(), buffer.data(), buffer.size(), 0);
    }
    return got < 4 ? std::string() : std::string(buffer.data() + got - 4, 4);
  }

  asio::io_context loop_;
  std::vector<DnsResponder::Asker> askers_;
  DnsResponder responder_{loop_, [this](const DnsResponder::Asker& asker, const std::string& name) {
                            askers_.push_back(asker);
                            DnsResponder::Found found;
                            if (name == "db") found.addresses.push_back(*config::parse_ip("10.9.0.7"));
                            return std::optional(found);
                          }};
};

TEST_F(DnsResponderTest, KnowsWhoseSocketWasAsked) {
  sockaddr_in web;
  sockaddr_in other;
  responder_.listen_inside("web", bound(web));
  responder_.listen_inside("other", bound(other));
  EXPECT_EQ(ask(web), std::string("\x0a\x09\x00\x07", 4));
  EXPECT_EQ(ask(other), std::string("\x0a\x09\x00\x07", 4));
  ASSERT_EQ(askers_.size(), 2U);
  EXPECT_EQ(askers_[0].member, "web");
  EXPECT_EQ(askers_[1].member, "other");
  EXPECT_EQ(to_string(askers_[0].address), "127.0.0.1");
  EXPECT_EQ(responder_.counts().own, 2U);
}

TEST_F(DnsResponderTest, ASocketThatIsClosedOrReplacedIsAskedNoMore) {
  sockaddr_in first;
  sockaddr_in second;
  responder_.listen_inside("web", bound(first));
  responder_.listen_inside("web", bound(second));
  EXPECT_EQ(ask(first), "");
  EXPECT_NE(ask(second), "");
  EXPECT_TRUE(responder_.listens_inside("web"));
  responder_.close_inside("web");
  EXPECT_FALSE(responder_.listens_inside("web"));
  EXPECT_EQ(ask(second), "");
}

}  // namespace
}  // namespace mete::agent
