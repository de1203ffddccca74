// SPDX-License-Identifier: Apache-2.0
// Writes one line per event to standard error: key=value, or JSON.
#pragma once

#include <string>

#include "agent/base/event.h"

namespace mete::agent {

void open_log(bool json);
void log(const Event& event);
void log_info(const std::string& message);
void log_error(const std::string& message);

// `value` as it is, or in quotes when it holds anything but plain characters.
[[nodiscard]] std::string quoted(const std::string& value);

}  // namespace mete::agent
