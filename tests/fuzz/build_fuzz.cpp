// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Dockerfile, a word, a .dockerignore and an image's configuration: no crash, no exception, no endless
// work; and what is written reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/build/language/ignore.h"
#include "runtime/build/language/scope.h"
#include "runtime/build/run_plan.h"
#include "runtime/build/settings_step.h"
#include "runtime/build/step_cache.h"

namespace {

using namespace mete::runtime::build;

void require(bool holds) {
  if (!holds) std::abort();
}

// All that is done with a Dockerfile before anything is touched.
void as_dockerfile(const std::string& text) {
  const auto file = parse_dockerfile("Dockerfile", text);
  if (!file) return require(file.error().what.starts_with("Dockerfile:"));
  require(!file->instructions.empty());
  const Arguments platform = platform_arguments("amd64");
  const auto stages = split_stages(*file, {{"A", "b"}}, platform);
  if (!stages) return require(stages.error().what.starts_with("Dockerfile:"));
  require(needed_stages(*stages, "").has_value());
  (void)unused_arguments(*file, {{"A", "b"}});
  const Arguments none;
  for (const Stage& stage : stages->all) {
    Scope scope(*stages, none, platform);
    ImageSettings settings;
    for (const Instruction& at : stage.body) {
      if (at.keyword == "ARG") (void)scope.declare(at, settings, file->escape);
      if (at.keyword == "RUN") (void)run_command(at, settings, file->escape);
      if (!changes_settings(at.keyword)) continue;
      const ImageSettings before = settings;
      (void)apply_to_settings(at, {file->source, file->escape, scope.lookup(before), false}, settings);
    }
    const std::string document = settings_document(settings, "amd64", 0);
    require(read_settings(document).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  as_dockerfile(text);
  const Lookup lookup = [](const std::string& name) { return name.size() > 1 ? std::optional(name) : std::nullopt; };
  if (const auto value = expand(text, lookup, '\\')) require(value->size() <= kMostExpanded);
  (void)expand_document(text, lookup);
  (void)name_values(text, '\\');
  const std::string clean = clean_path(text);
  require(clean_path(clean) == clean);
  if (const auto rules = IgnoreRules::parse(text)) (void)rules->ignores("a/b/c.txt");
  if (const auto settings = read_settings(text)) {
    const std::string document = settings_document(*settings, "amd64", 0);
    const auto again = read_settings(document);
    require(again && settings_document(*again, "amd64", 0) == document);
  }
  if (const auto step = parse_cached_step(text)) require(parse_cached_step(to_text(*step)) == *step);
  return 0;
}
