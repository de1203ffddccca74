// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "runtime/json.h"

namespace mete::agent {
namespace {

bool json_lines = false;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./:+@%").find(c) != std::string_view::npos;
}

void line(spdlog::level::level_enum level, const std::string& message) {
  if (json_lines) {
    spdlog::log(level, nlohmann::json(message).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    spdlog::log(level, "msg={}", quoted(message));
  }
}

}  // namespace

void open_log(bool json) {
  json_lines = json;
  auto logger = spdlog::stderr_logger_st("mete");
  logger->set_pattern(
      json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","entry":%v})" : "time=%Y-%m-%dT%H:%M:%S.%fZ level=%l %v",
      spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

std::string quoted(const std::string& value) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) return value;
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void log(const Event& event) {
  const auto level = event.severity == Severity::kWarning ? spdlog::level::warn : spdlog::level::info;
  if (json_lines) {
    spdlog::log(level, to_json(event));
    return;
  }
  std::string text = "event=" + event.reason;
  if (!event.pod.empty()) text += " pod=" + quoted(event.pod);
  if (!event.container.empty()) text += " container=" + quoted(event.container);
  for (const auto& [key, value] : event.fields) text += " " + key + "=" + quoted(value);
  spdlog::log(level, "{} msg={}", text, quoted(event.message));
}

void log_info(const std::string& message) {
  line(spdlog::level::info, message);
}
void log_error(const std::string& message) {
  line(spdlog::level::err, message);
}

}  // namespace mete::agent
