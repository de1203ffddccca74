// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/ignore.h"

#include "runtime/build/language/source_text.h"

namespace mete::runtime::build {

std::string clean_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!absolute) {
      parts.push_back(part);
    }
  }
  std::string clean = absolute ? "/" : "";
  for (const std::string_view part : parts) {
    if (!clean.empty() && clean.back() != '/') clean += '/';
    clean += part;
  }
  return clean.empty() ? "." : clean;
}

Result<IgnoreRules> IgnoreRules::parse(std::string_view text) {
  const SourceText source(".dockerignore", text);
  IgnoreRules rules;
  for (std::size_t i = 0; i < source.lines().size(); ++i) {
    const std::string& line = source.lines()[i];
    std::string_view pattern = trimmed(line);
    if (line.starts_with('#') || pattern.empty()) continue;
    const bool exception = pattern.starts_with('!');
    if (exception) pattern = trimmed(pattern.substr(1));
    if (pattern.empty()) return source.error(i + 1, "!", "found ! without a pattern, expected one");
    std::string clean = clean_path(pattern);
    if (clean.size() > 1 && clean[0] == '/') clean.erase(0, 1);
    auto compiled = PathPattern::compile(clean, DoubleStar::kYes);
    if (!compiled) return source.error(i + 1, pattern, compiled.error().what);
    rules.exceptions_ = rules.exceptions_ || exception;
    rules.rules_.push_back({std::move(*compiled), exception});
  }
  return rules;
}

bool IgnoreRules::ignores(std::string_view path) const {
  std::vector<std::string_view> all;  // the path and the folders above it
  for (std::size_t end = path.find('/'); end != std::string_view::npos; end = path.find('/', end + 1))
    all.push_back(path.substr(0, end));
  all.push_back(path);
  bool ignored = false;
  for (const Rule& rule : rules_) {
    if (ignored != rule.exception) continue;  // it would change nothing
    for (const std::string_view each : all) {
      if (!rule.pattern.matches(each)) continue;
      ignored = !rule.exception;
      break;
    }
  }
  return ignored;
}

}  // namespace mete::runtime::build
