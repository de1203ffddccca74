// SPDX-License-Identifier: Apache-2.0
// Parts of which answers of the domain name system are made. Internal to dns_*.cpp. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/networks/dns/dns_message.h"

namespace mete::agent::dns {

inline constexpr std::uint16_t kPointer = 0xC000;
inline constexpr std::uint16_t kNameOfTheQuestion = kPointer | 12;

[[nodiscard]] std::uint16_t u16_at(std::string_view bytes, std::size_t at);
void put16(std::string& to, std::uint16_t value);
// Labels of at most 63 bytes, as every name of Kubernetes has them.
void put_name(std::string& to, std::string_view name);
// Of a record, behind its owner: type, class, time to live, length.
void put_record_rest(std::string& to, std::uint16_t type, std::size_t length);
// `owner`: a pointer to a name.
void put_record_head(std::string& to, std::uint16_t owner, std::uint16_t type, std::size_t length);

struct Records {
  std::uint16_t answers = 0;
  std::uint16_t additional = 0;
};
// The header of an answer and its question.
[[nodiscard]] std::string begin_answer(std::string_view packet, const Question& question, Code code, Records records);

}  // namespace mete::agent::dns
