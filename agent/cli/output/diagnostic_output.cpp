// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/diagnostic_output.h"

namespace mete::agent::cli {
namespace {

// Line ends would begin another command; ',' and ':' end a property.
std::string escaped(const std::string& text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Json diagnostics_json(const std::vector<config::Diagnostic>& diagnostics) {
  Json list = Json::array();
  for (const auto& each : diagnostics) {
    Json value = {{"file", each.location.file}, {"line", each.location.line}, {"column", each.location.column}};
    const auto put = [&](const char* key, const std::string& text) {
      if (!text.empty()) value[key] = text;
    };
    put("object", each.object);
    put("field", each.field);
    value["message"] = each.message;
    put("found", each.found);
    put("expected", each.expected);
    put("suggestion", each.suggestion);
    if (each.not_acted_on) value["notActedOn"] = true;
    list.push_back(std::move(value));
  }
  return list;
}

std::string github_text(const std::vector<config::Diagnostic>& diagnostics, const std::string& level) {
  std::string out;
  for (const auto& each : diagnostics) {
    out += "::" + level + " file=" + escaped(each.location.file, true);
    if (each.location.line > 0)
      out += ",line=" + std::to_string(each.location.line) + ",col=" + std::to_string(each.location.column);
    const std::string place = each.object + (each.object.empty() || each.field.empty() ? "" : ": ") + each.field;
    out += "::" + escaped(place + (place.empty() ? "" : ": ") + each.message, false) + "\n";
  }
  return out;
}

}  // namespace mete::agent::cli
