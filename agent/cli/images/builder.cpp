// SPDX-License-Identifier: Apache-2.0
// `mete builder prune`.
#include <memory>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/image_rows.h"
#include "agent/cli/images/image_users.h"
#include "agent/cli/output/docker_text.h"
#include "agent/cli/output/output.h"
#include "runtime/build/prune_cache.h"

namespace mete::agent::cli {
namespace {

namespace build = runtime::build;

struct PruneWords {
  bool all = false;
  bool force = false;
  std::vector<std::string> filters;
};

Result<build::PruneWhat> what_of(const PruneWords& words) {
  build::PruneWhat what{words.all, std::nullopt};
  for (const std::string& word : words.filters) {
    if (!word.starts_with("until="))
      return fail("--filter: found \"" + word + "\", expected until=24h: the build cache has nothing else");
  }
  METE_TRY(const ImageFilters filters, read_filters(words.filters, {}, FiltersOf::kPrune));
  what.unused_since = filters.before;
  return what;
}

int prune_builds(const Common& common, const PruneWords& words) {
  const auto what = what_of(words);
  if (!what) return complain(what.error().what, kUsage);
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const std::string found = words.all ? "all build cache" : "all dangling build cache";
  if (!words.force && !confirmed("WARNING! This will remove " + found + ".")) return kDone;
  std::vector<std::string> in_use;
  for (const auto& user : image_users(common)) in_use.insert(in_use.end(), user.layers.begin(), user.layers.end());
  const auto pruned = build::prune_cache(*store, *what, in_use);
  if (!pruned) return complain(pruned.error().what);
  if (!pruned->ids.empty()) {
    print("Deleted build cache objects:\n");
    for (const std::string& id : pruned->ids) print(id + "\n");
    print("\n");
  }
  print("Total reclaimed space: " + docker_size(pruned->bytes, 4) + "\n");
  return kDone;
}

}  // namespace

void add_builder(CommandLine& line) {
  const Common& common = line.common();
  auto* group = line.add_group({"builder", "The build cache", "  mete builder prune"});
  auto words = std::make_shared<PruneWords>();
  auto* command = line.add(
      {"prune", "Remove what is kept for the next builds",
       "  mete builder prune\n  mete builder prune -a -f --filter until=24h"},
      [&common, words] { return prune_builds(common, *words); }, group);
  command->add_flag("-a,--all", words->all, "Also what images use, and the directories of RUN --mount=type=cache");
  command->add_flag("-f,--force", words->force, "Do not ask");
  command->add_option("--filter", words->filters, "until=24h: only what was last used before")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

}  // namespace mete::agent::cli
