// SPDX-License-Identifier: Apache-2.0
// Shared by the files of Api: JSON answers, and a parameter that several requests have.
#pragma once

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include "agent/http/http_types.h"
#include "config/result.h"
#include "runtime/json.h"

namespace mete::agent {

using nlohmann::ordered_json;

inline HttpResponse json_response(const ordered_json& value, unsigned status = 200) {
  return {status, "application/json", value.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"};
}

inline HttpResponse error_response(unsigned status, const std::string& message) {
  return json_response({{"error", message}}, status);
}

// Empty: the parameter is not given. The error names the text found.
inline Result<std::optional<std::chrono::seconds>> grace_of(const HttpRequest& request) {
  const std::string text = request.parameter("grace");
  if (text.empty()) return {std::nullopt};
  std::int64_t seconds = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seconds);
  constexpr std::int64_t kDay = 86400;
  if (parsed.ec != std::errc() || parsed.ptr != end || seconds < 0 || seconds > kDay) {
    return fail("grace: found \"" + text + "\", expected seconds from 0 to 86400");
  }
  return {std::chrono::seconds(seconds)};
}

}  // namespace mete::agent
