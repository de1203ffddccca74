// SPDX-License-Identifier: Apache-2.0
// Questions and answers of the domain name system (RFC 1035), as far as a responder for addresses needs them. Pure;
// what it reads is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/values/ip_address.h"

namespace mete::agent::dns {

inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeAlias = 5;
inline constexpr std::uint16_t kTypeAaaa = 28;
inline constexpr std::uint16_t kTypeService = 33;
inline constexpr std::uint16_t kClassInternet = 1;
inline constexpr std::size_t kShortest = 12;  // the header alone
// Longer ones go by TCP, unless both sides agree on more (RFC 6891).
inline constexpr std::size_t kLongest = 4096;

enum class Code : std::uint8_t { kNoError = 0, kFormatError = 1, kServerFailure = 2, kRefused = 5 };

struct Question {
  std::uint16_t id = 0;
  std::string name;  // lower case, without the last dot
  std::uint16_t type = 0;
  std::uint16_t of_class = 0;
  std::size_t end = 0;  // where it ends in the packet
};
// A query with one question. Empty: it is something else, and nobody is to answer it.
[[nodiscard]] std::optional<Question> parse_question(std::string_view packet);

// The answer with the addresses of the type that was asked for; none of them: the name exists without any. `alias`: the
// name that it stands for, and whose the addresses are; empty: none.
[[nodiscard]] std::string answer(std::string_view packet, const Question& question,
                                 const std::vector<config::IpAddress>& addresses, const std::string& alias = {});
// Where a port of a Service is: a name, and its addresses.
struct ServiceRecord {
  std::string target;
  std::uint16_t port = 0;
  std::vector<config::IpAddress> addresses;
  bool operator==(const ServiceRecord&) const = default;
};
// The answer with as many of these as the asker takes, each with its addresses as far as there is room.
[[nodiscard]] std::string answer_services(std::string_view packet, const Question& question,
                                          const std::vector<ServiceRecord>& records);
// The same query for another name. `packet` is one that parse_question() has read.
[[nodiscard]] std::string ask_instead(std::string_view packet, const std::string& name);
// The addresses among the answers of a server, whatever their names are. A broken packet ends the list.
[[nodiscard]] std::vector<config::IpAddress> addresses_in(std::string_view packet);
[[nodiscard]] std::string refuse(std::string_view packet, const Question& question, Code code);

// True when `packet` answers a query that has this id and this question.
[[nodiscard]] bool answers(std::string_view packet, std::uint16_t id, std::string_view query);
[[nodiscard]] std::string with_id(std::string_view packet, std::uint16_t id);

// The servers of a resolv.conf, in its order.
[[nodiscard]] std::vector<config::IpAddress> servers_of(std::string_view resolv_conf);

}  // namespace mete::agent::dns
