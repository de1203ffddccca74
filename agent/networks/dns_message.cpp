// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/dns_message.h"

#include <algorithm>
#include <sstream>

namespace mete::agent::dns {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestLabel = 63;
constexpr std::uint16_t kSecondsToLive = 5;
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOperation = 0x7800;
constexpr std::uint16_t kAuthoritative = 0x0400;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kRecursionAvailable = 0x0080;
constexpr std::uint16_t kNameOfTheQuestion = 0xC00C;  // a pointer to byte 12

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8U |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void put16(std::string& to, std::uint16_t value) {
  to += static_cast<char>(value >> 8U);
  to += static_cast<char>(value & 0xFFU);
}

// The header of an answer and its question.
std::string begin_answer(std::string_view packet, const Question& question, Code code, std::uint16_t records) {
  std::string out;
  put16(out, question.id);
  const auto asked = static_cast<std::uint16_t>(u16_at(packet, 2) & kRecursionDesired);
  put16(out, static_cast<std::uint16_t>(kResponse | kAuthoritative | kRecursionAvailable | asked |
                                        static_cast<std::uint16_t>(code)));
  put16(out, 1);
  put16(out, records);
  put16(out, 0);
  put16(out, 0);
  return out.append(packet.substr(kShortest, question.end - kShortest));
}

}  // namespace

std::optional<Question> parse_question(std::string_view packet) {
  constexpr std::size_t kCountAt = 4;
  if (packet.size() < kShortest || packet.size() > kLongest) return std::nullopt;
  if ((u16_at(packet, 2) & (kResponse | kOperation)) != 0 || u16_at(packet, kCountAt) != 1) return std::nullopt;
  Question question;
  question.id = u16_at(packet, 0);
  std::size_t at = kShortest;
  while (true) {
    if (at >= packet.size()) return std::nullopt;
    const auto length = static_cast<unsigned char>(packet[at++]);
    if (length == 0) break;
    // A pointer has nothing to point to in a first question.
    if (length > kLongestLabel || at + length > packet.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    question.name += packet.substr(at, length);
    at += length;
    if (question.name.size() > kLongestName) return std::nullopt;
  }
  if (at + 4 > packet.size()) return std::nullopt;
  question.type = u16_at(packet, at);
  question.of_class = u16_at(packet, at + 2);
  question.end = at + 4;
  std::transform(question.name.begin(), question.name.end(), question.name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return question;
}

std::string answer(std::string_view packet, const Question& question, const std::vector<config::IpAddress>& addresses) {
  constexpr std::size_t kMost = 20;  // what fits into the 512 bytes that everybody takes
  std::vector<config::IpAddress> asked;
  for (const auto& each : addresses) {
    if (asked.size() < kMost && question.type == (each.v6 ? kTypeAaaa : kTypeA)) asked.push_back(each);
  }
  std::string out = begin_answer(packet, question, Code::kNoError, static_cast<std::uint16_t>(asked.size()));
  for (const auto& each : asked) {
    put16(out, kNameOfTheQuestion);
    put16(out, question.type);
    put16(out, kClassInternet);
    put16(out, 0);
    put16(out, kSecondsToLive);
    put16(out, static_cast<std::uint16_t>(each.size()));
    for (std::size_t i = 0; i < each.size(); ++i) out += static_cast<char>(each.bytes[i]);
  }
  return out;
}

std::string refuse(std::string_view packet, const Question& question, Code code) {
  return begin_answer(packet, question, code, 0);
}

bool answers(std::string_view packet, std::uint16_t id, std::string_view query) {
  const auto question = parse_question(query);
  if (!question || packet.size() < question->end || packet.size() < kShortest) return false;
  if (u16_at(packet, 0) != id || (u16_at(packet, 2) & kResponse) == 0) return false;
  return packet.substr(kShortest, question->end - kShortest) == query.substr(kShortest, question->end - kShortest);
}

std::string with_id(std::string_view packet, std::uint16_t id) {
  std::string out;
  put16(out, id);
  return out.append(packet.substr(2));
}

std::vector<config::IpAddress> servers_of(std::string_view resolv_conf) {
  std::vector<config::IpAddress> servers;
  std::istringstream lines{std::string(resolv_conf)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string keyword;
    std::string value;
    words >> keyword >> value;
    if (keyword != "nameserver") continue;
    if (const auto address = config::parse_ip(value)) servers.push_back(*address);
  }
  return servers;
}

}  // namespace mete::agent::dns
