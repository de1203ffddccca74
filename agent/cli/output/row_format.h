// SPDX-License-Identifier: Apache-2.0
// Rows as docker's lists print them: a table, one JSON object a line (--format json), or a template. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

struct Column {
  const char* field;
  const char* head;
  bool shown = true;  // in the table without a template
};

// `rows` are objects whose values are texts. `format`: empty or "table", "json", "TEMPLATE", "table TEMPLATE".
[[nodiscard]] Result<std::string> format_rows(const nlohmann::ordered_json& rows, const std::vector<Column>& columns,
                                              const std::string& format);

}  // namespace mete::agent::cli
