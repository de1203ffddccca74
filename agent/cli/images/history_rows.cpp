// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/history_rows.h"

#include <algorithm>
#include <ctime>

#include "agent/cli/output/docker_text.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongest = 45;  // characters of an instruction in the table

std::string said(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string since_text(const std::string& created) {
  std::tm parts{};
  if (::strptime(created.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return "N/A";
  return docker_since(std::chrono::system_clock::from_time_t(::timegm(&parts)));
}

std::string instruction_of(const Json& row, bool no_trunc) {
  std::string text = said(row, "created_by");
  std::replace(text.begin(), text.end(), '\t', ' ');
  if (no_trunc || text.size() <= kLongest) return text;
  std::size_t end = kLongest - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return text.substr(0, end) + "\u2026";
}

Json steps_of(const Json& config, std::size_t layers) {
  const auto history = config.find("history");
  if (history != config.end() && history->is_array() && !history->empty()) return *history;
  Json steps = Json::array();
  for (std::size_t i = 0; i < std::max<std::size_t>(layers, 1); ++i)
    steps.push_back({{"created", said(config, "created")}});
  return steps;
}

}  // namespace

Json history_rows(const Json& config, const std::string& id, const std::vector<std::int64_t>& sizes,
                  const HistoryForm& form) {
  const Json steps = steps_of(config, sizes.size());
  Json rows = Json::array();
  std::size_t layer = 0;
  for (const Json& step : steps) {
    if (!step.is_object()) continue;
    const auto mark = step.find("empty_layer");
    const bool empty = mark != step.end() && mark->is_boolean() && mark->get<bool>();
    const std::int64_t size = empty || layer >= sizes.size() ? 0 : sizes[layer++];
    const std::string created = said(step, "created");
    rows.push_back({{"Comment", said(step, "comment")},
                    {"CreatedAt", created},
                    {"CreatedBy", instruction_of(step, form.no_trunc)},
                    {"CreatedSince", form.human ? since_text(created) : created},
                    {"ID", "<missing>"},
                    {"Size", form.human ? docker_size(size) : std::to_string(size)}});
  }
  std::reverse(rows.begin(), rows.end());
  if (!rows.empty()) rows[0]["ID"] = form.no_trunc ? "sha256:" + id : id.substr(0, 12);
  return rows;
}

std::vector<Column> history_columns() {
  return {{"ID", "IMAGE"},  {"CreatedSince", "CREATED"}, {"CreatedBy", "CREATED BY"},
          {"Size", "SIZE"}, {"Comment", "COMMENT"},      {"CreatedAt", "CREATED AT", false}};
}

}  // namespace mete::agent::cli
