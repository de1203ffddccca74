// SPDX-License-Identifier: Apache-2.0
// SRV records (RFC 2782): where a Service's port is.
#include <algorithm>

#include "agent/networks/dns/dns_message.h"
#include "agent/networks/dns/dns_words.h"

namespace mete::agent::dns {
namespace {

constexpr std::size_t kUsualRoom = 512;
constexpr std::size_t kMoreRoom = 1232;  // what passes every network; for who says that it takes more than 512
constexpr std::uint16_t kPriority = 0;

// Whether the asker has an additional record, which is that of EDNS.
std::size_t room_of(std::string_view packet) {
  constexpr std::size_t kAdditionalAt = 10;
  return u16_at(packet, kAdditionalAt) != 0 ? kMoreRoom : kUsualRoom;
}

std::string service_record(const ServiceRecord& record, std::uint16_t weight) {
  std::string data;
  put16(data, kPriority);
  put16(data, weight);
  put16(data, record.port);
  put_name(data, record.target);  // never compressed
  std::string out;
  put_record_head(out, kNameOfTheQuestion, kTypeService, data.size());
  return out + data;
}

std::string address_record(const ServiceRecord& record, const config::IpAddress& address) {
  std::string out;
  put_name(out, record.target);
  put_record_rest(out, address.v6 ? kTypeAaaa : kTypeA, address.size());
  for (std::size_t i = 0; i < address.size(); ++i) out += static_cast<char>(address.bytes[i]);
  return out;
}

}  // namespace

std::string answer_services(std::string_view packet, const Question& question,
                            const std::vector<ServiceRecord>& records) {
  const std::size_t room = room_of(packet);
  const std::size_t begun = begin_answer(packet, question, Code::kNoError, {}).size();
  std::string body;
  std::string addresses;
  std::uint16_t answers = 0;
  std::uint16_t additional = 0;
  const auto weight =
      static_cast<std::uint16_t>(std::max<std::size_t>(1, 100 / std::max<std::size_t>(1, records.size())));
  for (const auto& each : records) {
    const std::string record = service_record(each, weight);
    if (begun + body.size() + record.size() > room) break;
    body += record;
    ++answers;
  }
  for (std::size_t i = 0; i < answers; ++i) {
    for (const auto& address : records[i].addresses) {
      const std::string record = address_record(records[i], address);
      if (begun + body.size() + addresses.size() + record.size() > room) continue;
      addresses += record;
      ++additional;
    }
  }
  return begin_answer(packet, question, Code::kNoError, {answers, additional}) + body + addresses;
}

}  // namespace mete::agent::dns
