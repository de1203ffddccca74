// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/row_format.h"

#include <optional>

#include "agent/cli/output/table.h"
#include "agent/cli/template/go_template.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t end = std::min(line.find('\t', start), line.size());
    cells.push_back(line.substr(start, end - start));
    start = end + 1;
  }
  return cells;
}

Json heads_of(const std::vector<Column>& columns) {
  Json heads = Json::object();
  for (const Column& column : columns) heads[column.field] = column.head;
  return heads;
}

std::string default_template(const std::vector<Column>& columns) {
  std::string text;
  for (const Column& column : columns) {
    if (column.shown) text += (text.empty() ? "{{." : "\t{{.") + std::string(column.field) + "}}";
  }
  return text;
}

std::string json_lines(const Json& rows) {
  std::string text;
  for (const Json& row : rows) text += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return text;
}

}  // namespace

Result<std::string> format_rows(const Json& rows, const std::vector<Column>& columns, const std::string& format) {
  if (format == "json") return json_lines(rows);
  constexpr std::string_view kTable = "table ";
  const bool table = format.empty() || format == "table" || format.starts_with(kTable);
  const std::string text = !table                       ? format
                           : format.starts_with(kTable) ? format.substr(kTable.size())
                                                        : default_template(columns);
  METE_TRY(const GoTemplate made, GoTemplate::parse(text));
  std::string out;
  std::optional<Table> aligned;
  if (table) {
    METE_TRY(const std::string heads, made.fill(heads_of(columns)));
    aligned.emplace(cells_of(heads));
  }
  for (const Json& row : rows) {
    METE_TRY(const std::string line, made.fill(row));
    if (table) {
      std::vector<std::string> cells = cells_of(line);
      for (std::string& cell : cells) cell = printable(cell);
      aligned->add(std::move(cells));
    } else {
      out += line + "\n";
    }
  }
  return table ? aligned->text() : out;
}

}  // namespace mete::agent::cli
