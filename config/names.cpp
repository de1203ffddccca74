// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <algorithm>

namespace mete::config {
namespace {

constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLabelLength && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

Status check_dns_label(std::string_view name) {
  if (is_label(name)) return {};
  return fail("found \"" + std::string(name) +
              "\", expected at most 63 lower case letters, digits and '-', with a letter or digit at both ends");
}

Status check_dns_subdomain(std::string_view name) {
  const auto error = [&] {
    return fail(
        "found \"" + std::string(name) +
        "\", expected at most 253 lower case letters, digits, '-' and '.', with a letter or digit at both ends");
  };
  if (name.size() > kSubdomainLength) return error();
  std::size_t start = 0;
  while (true) {
    const auto dot = name.find('.', start);
    if (!is_label(name.substr(start, dot - start))) return error();
    if (dot == std::string_view::npos) return {};
    start = dot + 1;
  }
}

}  // namespace mete::config
