// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/signals.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string>
#include <tuple>

namespace mete::runtime::process {

std::optional<int> signal_number(std::string_view text) {
  int number = 0;
  const char* end = text.data() + text.size();
  if (const auto parsed = std::from_chars(text.data(), end, number); parsed.ec == std::errc() && parsed.ptr == end) {
    return number > 0 && number < NSIG ? std::optional(number) : std::nullopt;
  }
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int each = 1; each < NSIG; ++each) {
    const char* abbreviation = ::sigabbrev_np(each);
    if (abbreviation != nullptr && name == abbreviation) return each;
  }
  for (const auto& [prefix, base, sign] : {std::tuple("RTMIN", SIGRTMIN, 1), std::tuple("RTMAX", SIGRTMAX, -1)}) {
    if (!name.starts_with(prefix)) continue;
    const std::string_view rest = std::string_view(name).substr(5);
    if (rest.empty()) return base;
    const char* rest_end = rest.data() + rest.size();
    const auto parsed = std::from_chars(rest.data() + 1, rest_end, number);
    if (rest.front() == (sign > 0 ? '+' : '-') && parsed.ec == std::errc() && parsed.ptr == rest_end && number >= 0 &&
        number <= SIGRTMAX - SIGRTMIN) {
      return base + sign * number;
    }
  }
  return std::nullopt;
}

}  // namespace mete::runtime::process
