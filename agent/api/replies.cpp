// SPDX-License-Identifier: Apache-2.0
#include "agent/api/replies.h"

#include <charconv>

namespace mete::agent {

using nlohmann::ordered_json;

HttpResponse json_response(const ordered_json& value, unsigned status) {
  return {status, "application/json", value.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"};
}

HttpResponse error_response(unsigned status, const std::string& message) {
  return json_response({{"error", message}}, status);
}

Result<std::optional<std::int64_t>> number_of(const HttpRequest& request, const std::string& name, std::int64_t most) {
  const std::string text = request.parameter(name);
  if (text.empty()) return {std::nullopt};
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0 || value > most)
    return fail(name + ": found \"" + text + "\", expected a whole number from 0 to " + std::to_string(most));
  return {value};
}

Result<std::optional<std::chrono::seconds>> grace_of(const HttpRequest& request) {
  constexpr std::int64_t kDay = 86400;
  METE_TRY(const auto seconds, number_of(request, "grace", kDay));
  if (!seconds) return {std::nullopt};
  return {std::chrono::seconds(*seconds)};
}

}  // namespace mete::agent
