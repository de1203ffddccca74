// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/dns/dns_message.h"

#include <algorithm>
#include <sstream>

#include "agent/networks/dns/dns_words.h"

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

// Moves `at` behind a name; false: it ends before that.
bool skip_name(std::string_view packet, std::size_t& at) {
  while (at < packet.size()) {
    const auto length = static_cast<unsigned char>(packet[at]);
    if (length == 0) {
      ++at;
      return true;
    }
    if (length > kLongestLabel) {
      at += 2;  // a pointer
      return at <= packet.size();
    }
    at += length + 1U;
  }
  return false;
}

}  // namespace

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8U |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void put16(std::string& to, std::uint16_t value) {
  to += static_cast<char>(value >> 8U);
  to += static_cast<char>(value & 0xFFU);
}

void put_name(std::string& to, std::string_view name) {
  while (!name.empty()) {
    const auto label = name.substr(0, std::min(name.find('.'), kLongestLabel));
    to += static_cast<char>(label.size());
    to += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  to += '\0';
}

void put_record_head(std::string& to, std::uint16_t owner, std::uint16_t type, std::size_t length) {
  put16(to, owner);
  put_record_rest(to, type, length);
}

void put_record_rest(std::string& to, std::uint16_t type, std::size_t length) {
  put16(to, type);
  put16(to, kClassInternet);
  put16(to, 0);
  put16(to, kSecondsToLive);
  put16(to, static_cast<std::uint16_t>(length));
}

std::string begin_answer(std::string_view packet, const Question& question, Code code, Records records) {
  std::string out;
  put16(out, question.id);
  const auto asked = static_cast<std::uint16_t>(u16_at(packet, 2) & kRecursionDesired);
  put16(out, static_cast<std::uint16_t>(kResponse | kAuthoritative | kRecursionAvailable | asked |
                                        static_cast<std::uint16_t>(code)));
  put16(out, 1);
  put16(out, records.answers);
  put16(out, 0);
  put16(out, records.additional);
  return out.append(packet.substr(kShortest, question.end - kShortest));
}

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

std::string answer(std::string_view packet, const Question& question, const std::vector<config::IpAddress>& addresses,
                   const std::string& alias) {
  constexpr std::size_t kMost = 20;        // what fits into the 512 bytes that everybody takes
  constexpr std::size_t kMostOfAlias = 4;  // beside two long names
  std::vector<config::IpAddress> asked;
  for (const auto& each : addresses) {
    if (asked.size() < (alias.empty() ? kMost : kMostOfAlias) && question.type == (each.v6 ? kTypeAaaa : kTypeA))
      asked.push_back(each);
  }
  const std::size_t records = asked.size() + (alias.empty() ? 0 : 1);
  std::string out = begin_answer(packet, question, Code::kNoError, {static_cast<std::uint16_t>(records), 0});
  std::uint16_t owner = kNameOfTheQuestion;
  if (!alias.empty()) {
    put_record_head(out, owner, kTypeAlias, alias.size() + 2);
    // The name is where its first label is, 14 bits of a pointer.
    owner = static_cast<std::uint16_t>(kPointer | out.size());
    put_name(out, alias);
  }
  for (const auto& each : asked) {
    put_record_head(out, owner, question.type, each.size());
    for (std::size_t i = 0; i < each.size(); ++i) out += static_cast<char>(each.bytes[i]);
  }
  return out;
}

std::string ask_instead(std::string_view packet, const std::string& name) {
  const auto question = parse_question(packet);
  if (!question) return {};
  std::string out(packet.substr(0, kShortest));
  // One question and nothing else: what a client adds (EDNS) is its own affair.
  for (const std::size_t count : {6U, 8U, 10U}) out[count] = out[count + 1] = '\0';
  put_name(out, name);
  put16(out, question->type);
  put16(out, question->of_class);
  return out;
}

std::vector<config::IpAddress> addresses_in(std::string_view packet) {
  constexpr std::size_t kAnswersAt = 6;
  constexpr std::size_t kFixed = 10;  // type, class, time to live, length
  std::vector<config::IpAddress> all;
  if (packet.size() < kShortest) return all;
  std::size_t at = kShortest;
  if (!skip_name(packet, at)) return all;
  at += 4;
  for (unsigned left = u16_at(packet, kAnswersAt); left > 0; --left) {
    if (!skip_name(packet, at) || at + kFixed > packet.size()) return all;
    const auto type = u16_at(packet, at);
    const std::size_t length = u16_at(packet, at + kFixed - 2);
    at += kFixed;
    if (at + length > packet.size()) return all;
    config::IpAddress address{type == kTypeAaaa, {}};
    if ((type == kTypeA || type == kTypeAaaa) && length == address.size()) {
      for (std::size_t i = 0; i < length; ++i) address.bytes[i] = static_cast<std::uint8_t>(packet[at + i]);
      all.push_back(address);
    }
    at += length;
  }
  return all;
}

std::string refuse(std::string_view packet, const Question& question, Code code) {
  return begin_answer(packet, question, code, {});
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
