// SPDX-License-Identifier: Apache-2.0
#include "config/model/diagnostics.h"

#include <algorithm>
#include <cctype>

#include "config/base/edit_distance.h"
#include "config/model/documents.h"

namespace mete::config {
namespace {

constexpr std::size_t kLongestName = 64;  // no known name is longer; bounds the quadratic comparison

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

std::string nearest(std::string_view text, const std::vector<std::string_view>& known) {
  if (text.empty() || text.size() > kLongestName) return "";
  const std::string wanted = lower(text);
  std::size_t best = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  std::string_view found;
  for (const auto name : known) {
    const std::size_t edits = edit_distance(wanted, lower(name));
    if (edits >= best || edits >= name.size()) continue;
    best = edits;
    found = name;
  }
  return std::string(found);
}

std::string one_of(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i].empty() ? "\"\"" : names[i];
  }
  return text;
}

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = to_string(diagnostic.location) + ": ";
  if (!diagnostic.object.empty()) text += diagnostic.object + ": ";
  if (!diagnostic.field.empty()) text += diagnostic.field + ": ";
  return text + diagnostic.message;
}

}  // namespace mete::config
