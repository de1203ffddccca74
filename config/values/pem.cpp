// SPDX-License-Identifier: Apache-2.0
#include "config/values/pem.h"

#include <algorithm>
#include <cstdint>

#include "config/base/base64.h"

namespace mete::config {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// A SEQUENCE whose length covers all of it (X.690, 8.1).
bool is_one_sequence(std::string_view der) {
  constexpr unsigned char kSequence = 0x30;
  constexpr unsigned char kLong = 0x80;
  if (der.size() < 2 || static_cast<unsigned char>(der[0]) != kSequence) return false;
  const auto first = static_cast<unsigned char>(der[1]);
  if (first < kLong) return der.size() == 2U + first;
  const std::size_t bytes = first - kLong;
  if (bytes == 0 || bytes > 4 || der.size() < 2 + bytes) return false;
  std::size_t length = 0;
  for (std::size_t i = 0; i < bytes; ++i) length = (length << 8U) | static_cast<unsigned char>(der[2 + i]);
  return der.size() == 2 + bytes + length;
}

}  // namespace

Result<std::vector<std::string>> parse_certificates(std::string_view text) {
  std::vector<std::string> all;
  std::string_view rest = text;
  while (!is_blank(rest)) {
    const std::string place = "block " + std::to_string(all.size() + 1);
    const auto begin = rest.find(kBegin);
    if (begin == std::string_view::npos || !is_blank(rest.substr(0, begin)))
      return fail(place + ": found text outside of a block, expected -----BEGIN CERTIFICATE-----");
    rest.remove_prefix(begin + kBegin.size());
    const auto dashes = rest.find(kDashes);
    const std::string_view type = rest.substr(0, std::min(dashes, rest.size()));
    if (dashes == std::string_view::npos || type != "CERTIFICATE")
      return fail(place + ": found a block of type \"" + std::string(type.substr(0, 64)) + "\", expected CERTIFICATE");
    rest.remove_prefix(dashes + kDashes.size());
    const auto end = rest.find(kEnd);
    const std::string closing = std::string(kEnd) + "CERTIFICATE" + std::string(kDashes);
    if (end == std::string_view::npos || !rest.substr(end).starts_with(closing))
      return fail(place + ": found no end, expected " + closing);
    const std::string_view body = rest.substr(0, end);
    if (body.find(':') != std::string_view::npos) return fail(place + ": found headers, expected base64 alone");
    auto der = decode_base64(body);
    if (!der) return fail_in(place, der.error());
    if (!is_one_sequence(*der)) return fail(place + ": found other bytes than a certificate's, expected DER");
    if (std::find(all.begin(), all.end(), *der) != all.end())
      return fail(place + ": found a certificate a second time, expected each once");
    all.push_back(std::move(*der));
    rest.remove_prefix(end + closing.size());
  }
  if (all.empty()) return fail("found no certificate, expected at least one");
  return all;
}

std::string certificate_text(std::string_view der) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kLine = 64;
  std::string text = "-----BEGIN CERTIFICATE-----\n";
  std::size_t column = 0;
  const auto put = [&](char c) {
    text += c;
    if (++column % kLine == 0) text += '\n';
  };
  for (std::size_t i = 0; i < der.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, der.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) bits = (bits << 8U) | (j < count ? static_cast<unsigned char>(der[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) put(j <= count ? kLetters[(bits >> (18U - 6U * j)) & 0x3FU] : '=');
  }
  if (column % kLine != 0) text += '\n';
  return text + "-----END CERTIFICATE-----\n";
}

}  // namespace mete::config
