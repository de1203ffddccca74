// SPDX-License-Identifier: Apache-2.0
// Answers of the API in one form: JSON, and errors as {"error": ...}.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/http/http_types.h"
#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] HttpResponse json_response(const nlohmann::ordered_json& value, unsigned status = 200);
[[nodiscard]] HttpResponse error_response(unsigned status, const std::string& message);
// ?grace=S. Empty: the parameter is not given. The error names the text found.
[[nodiscard]] Result<std::optional<std::chrono::seconds>> grace_of(const HttpRequest& request);
// A whole number from 0 on; empty: the parameter is not given.
[[nodiscard]] Result<std::optional<std::int64_t>> number_of(const HttpRequest& request, const std::string& name,
                                                            std::int64_t most);

}  // namespace mete::agent
