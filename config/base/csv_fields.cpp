// SPDX-License-Identifier: Apache-2.0
#include "config/base/csv_fields.h"

#include <utility>

namespace mete::config {
namespace {

// Takes a field that begins with a quote, up to the comma or the end behind it.
Result<std::string> take_quoted(std::string_view& rest) {
  std::string field;
  for (rest.remove_prefix(1);;) {
    const auto quote = rest.find('"');
    if (quote == std::string_view::npos) return fail("found a double quote that is not closed, expected two of them");
    field += rest.substr(0, quote);
    rest.remove_prefix(quote + 1);
    if (!rest.starts_with('"')) break;
    field += '"';
    rest.remove_prefix(1);
  }
  if (!rest.empty() && rest.front() != ',')
    return fail("found \"" + std::string(rest) + "\" behind a closing double quote, expected a comma or the end");
  return field;
}

Result<std::string> take_plain(std::string_view& rest) {
  std::string field(rest.substr(0, rest.find(',')));
  if (field.find('"') != std::string::npos)
    return fail("found a double quote within " + field + ", expected quotes around the whole field");
  rest.remove_prefix(field.size());
  return field;
}

}  // namespace

Result<std::vector<std::string>> csv_fields(std::string_view record) {
  std::vector<std::string> fields;
  for (;;) {
    METE_TRY(std::string field, record.starts_with('"') ? take_quoted(record) : take_plain(record));
    fields.push_back(std::move(field));
    if (record.empty()) return fields;
    record.remove_prefix(1);
  }
}

}  // namespace mete::config
