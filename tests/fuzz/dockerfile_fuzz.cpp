// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Dockerfile: all that is done with it before anything is touched. No crash, no exception, no endless
// work; the configuration that comes out reads back.
#include "runtime/build/copy_words.h"
#include "runtime/build/language/ignore.h"
#include "runtime/build/language/run_mounts.h"
#include "runtime/build/language/scope.h"
#include "runtime/build/run_command.h"
#include "runtime/build/settings_step.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime::build;
using mete::fuzz::require;

void take(const Instruction& at, const Dockerfile& file, Scope& scope, ImageSettings& settings) {
  if (at.keyword == "ARG") {
    (void)scope.declare(at, settings, file.escape);
  } else if (at.keyword == "RUN") {
    if (const auto command = run_command(at, settings, file.escape)) require(!command->args.empty());
    (void)run_mounts(at);
    (void)scope.run_variables(settings, true);
  } else if (at.keyword == "COPY" || at.keyword == "ADD") {
    const auto words = copy_words(at, scope.lookup(settings), file.escape);
    if (!words) return;
    require(!words->target.empty() && !words->text(at.keyword).empty());
    if (!words->mode.empty()) (void)file_mode(words->mode);
    require(from_working_dir(settings, words->target).starts_with('/'));
  } else if (changes_settings(at.keyword)) {
    const ImageSettings before = settings;
    (void)apply_to_settings(at, {file.source, file.escape, scope.lookup(before), false}, settings);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto file = parse_dockerfile("Dockerfile", text);
  if (!file) {
    require(file.error().what.starts_with("Dockerfile:"));
    return 0;
  }
  require(!file->instructions.empty());
  const Arguments platform = platform_arguments("amd64");
  const Arguments given = {{"A", "b"}};
  const auto stages = split_stages(*file, given, platform);
  if (!stages) {
    require(stages.error().what.starts_with("Dockerfile:"));
    return 0;
  }
  require(needed_stages(*stages, "").has_value());
  (void)unused_arguments(*file, given);
  for (const Stage& stage : stages->all) {
    Scope scope(*stages, given, platform);
    ImageSettings settings;
    for (const Instruction& at : stage.body) take(at, *file, scope, settings);
    // It takes longer than all the rest, and image_config_fuzz does it each time.
    if (size % 16 != 0) continue;
    const auto once = read_settings(settings_document(settings, "amd64", 0));
    require(once.has_value());
    // Texts of a Dockerfile may be no UTF-8, those of a document are.
    const auto twice = read_settings(settings_document(*once, "amd64", 0));
    require(twice && *twice == *once);
  }
  return 0;
}
