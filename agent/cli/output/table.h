// SPDX-License-Identifier: Apache-2.0
// Text columns in kubectl's layout, and human-readable units.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mete::agent::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Three spaces between columns, none after the last.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Control characters as \xNN, so that output of a container cannot move the cursor. UTF-8 is kept.
[[nodiscard]] std::string printable(std::string_view text);
// The same, but newlines stay.
[[nodiscard]] std::string printable_lines(std::string_view text);
[[nodiscard]] std::string bytes_text(std::int64_t bytes);           // "100.1Mi"
[[nodiscard]] std::string age_text(std::string_view rfc3339_time);  // "3m12s"; "-" for an empty one
[[nodiscard]] std::string duration_text(std::int64_t seconds);      // "5d3h"

}  // namespace mete::agent::cli
