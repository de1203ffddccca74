// SPDX-License-Identifier: Apache-2.0
// Where a Service's port is, as the responder for names answers it.
#include <gtest/gtest.h>

#include "agent/networks/dns/dns_message.h"
#include "agent/networks/dns/dns_words.h"

namespace mete::agent {
namespace {

std::string query_for(const std::string& name, bool takes_more = false) {
  std::string packet("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00", 11);
  packet += takes_more ? '\x01' : '\x00';
  dns::put_name(packet, name);
  dns::put16(packet, dns::kTypeService);
  dns::put16(packet, dns::kClassInternet);
  return packet;
}
std::vector<dns::ServiceRecord> records(unsigned count) {
  std::vector<dns::ServiceRecord> all;
  for (unsigned i = 0; i < count; ++i)
    all.push_back({"db-" + std::to_string(i) + ".db.default.svc.cluster.local",
                   static_cast<std::uint16_t>(8000 + i),
                   {config::parse_ip("10.77.0." + std::to_string(2 + i)).value()}});
  return all;
}
std::string answer_to(const std::string& packet, unsigned count) {
  return dns::answer_services(packet, dns::parse_question(packet).value(), records(count));
}

TEST(DnsService, APortIsANameAndItsAddresses) {
  const auto answer = answer_to(query_for("_http._tcp.db"), 2);
  EXPECT_EQ(dns::u16_at(answer, 6), 2);
  EXPECT_EQ(dns::u16_at(answer, 10), 2) << "an address for each";
  EXPECT_NE(answer.find(std::string("\x00\x00\x00\x32\x1F\x41\x04", 7) + "db-1"), std::string::npos)
      << "priority 0, weight 50, port 8001";
  EXPECT_EQ(answer.substr(answer.size() - 4), std::string("\x0A\x4D\x00\x03", 4));
  EXPECT_EQ(dns::u16_at(answer_to(query_for("_none._tcp.db"), 0), 6), 0);
}

TEST(DnsService, AnAnswerIsAsLongAsTheAskerTakes) {
  const auto few = answer_to(query_for("_http._tcp.db"), 200);
  EXPECT_LE(few.size(), 512U);
  EXPECT_GT(dns::u16_at(few, 6), 4);
  const auto more = answer_to(query_for("_http._tcp.db", true), 200);
  EXPECT_LE(more.size(), 1232U);
  EXPECT_GT(dns::u16_at(more, 6), dns::u16_at(few, 6));
}

}  // namespace
}  // namespace mete::agent
