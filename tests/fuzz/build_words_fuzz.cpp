// SPDX-License-Identifier: Apache-2.0
// Any bytes as the parts that Dockerfiles are made of: words with variables (a), a here-document (b), a list of words
// (c), pairs (d), a pattern and what it is compared with (e), a path (f), .dockerignore (g), a duration (h); and as
// what the cache remembers of a step (i).
#include "runtime/build/language/ignore.h"
#include "runtime/build/language/word_pattern.h"
#include "runtime/build/language/words.h"
#include "runtime/build/settings_step.h"
#include "runtime/build/step_cache.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime::build;
using mete::fuzz::require;

std::optional<std::string> value_of(const std::string& name) {
  return name.size() > 1 ? std::optional(name + name) : std::nullopt;
}

void as_word(const std::string& text) {
  if (const auto value = expand(text, value_of, '\\')) require(value->size() <= kMostExpanded);
}

void as_document(const std::string& text) {
  if (const auto value = expand_document(text, value_of)) require(value->size() <= kMostExpanded);
}

void as_list(const std::string& text) {
  (void)expand_list(text, value_of, '`');
}

void as_pairs(const std::string& text) {
  const auto pairs = name_values(text, '\\');
  if (!pairs) return;
  for (const auto& [name, value] : *pairs) require(!name.empty());
}

void as_pattern(const std::string& text) {
  const std::size_t cut = std::min(text.find('\n'), text.size());
  const std::string path = text.substr(std::min(cut + 1, text.size()));
  const auto pattern = PathPattern::compile(std::string_view(text).substr(0, cut), DoubleStar::kYes);
  if (pattern) (void)pattern->matches(path);
  if (!has_wildcard(text.substr(0, cut))) require(pattern && pattern->matches(text.substr(0, cut)));
  const WordPattern word(text.substr(0, cut));
  for (const auto part : {WordPattern::Part::kShortest, WordPattern::Part::kLongest}) {
    require(path.ends_with(word.without_prefix(path, part)) && path.starts_with(word.without_suffix(path, part)));
  }
  (void)word.replaced(path, "ab", WordPattern::Times::kAll, kMostExpanded);
}

void as_path(const std::string& text) {
  const std::string clean = clean_path(text);
  require(clean_path(clean) == clean && clean.starts_with('/') == text.starts_with('/'));
  require(from_working_dir({}, text).starts_with('/'));
}

void as_ignore(const std::string& text) {
  const auto rules = IgnoreRules::parse(text);
  if (!rules) return require(rules.error().what.starts_with(".dockerignore:"));
  const bool ignored = rules->ignores("a/b/c.txt");
  if (rules->empty()) require(!ignored);
}

void as_duration(const std::string& text) {
  if (const auto duration = duration_of(text)) require(*duration >= 0);
}

void as_step(const std::string& text) {
  const auto step = parse_cached_step(text);
  if (!step) return;
  const auto again = parse_cached_step(to_text(*step));
  require(again && *again == *step);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mete::fuzz::give({as_word, as_document, as_list, as_pairs, as_pattern, as_path, as_ignore, as_duration, as_step},
                   data, size);
  return 0;
}
