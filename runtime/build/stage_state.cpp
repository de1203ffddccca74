// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/stage_state.h"

#include <algorithm>
#include <ctime>

#include "runtime/build/context_archive.h"
#include "runtime/build/stage_order.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::build {
namespace {

constexpr std::size_t kMostIgnore = 1U << 20U;

Result<IgnoreRules> read_ignore(const std::string& context) {
  const auto text = read_in_context(context, ".dockerignore", kMostIgnore);
  if (!text && text.error().code == ENOENT) return IgnoreRules();
  if (!text) return tl::unexpected(text.error());
  return IgnoreRules::parse(*text);
}

Result<StageState> state_of(const image::Image& image, image::Store& store, BuildLayers& layers) {
  StageState state;
  state.layers = image.layers;
  state.id = image.id;
  std::vector<std::string> diff_ids;
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
    METE_TRY(const bool there, layers.use(*layer));
    if (!there)
      return fail("image " + image.name + ": found no layer " + *layer + " in the store, expected all of them");
    METE_TRY(std::string diff_id, layers.diff_id_of(*layer));
    diff_ids.push_back(std::move(diff_id));
  }
  const auto document = store.document(image.id);
  auto settings = document ? read_settings(*document) : Result<ImageSettings>(settings_of(image));
  if (!settings) return fail_in("image " + image.name, settings.error());
  state.settings = std::move(*settings);
  const auto filled = std::count_if(state.settings.history.begin(), state.settings.history.end(),
                                    [](const HistoryRow& row) { return !row.empty_layer; });
  if (static_cast<std::size_t>(filled) != diff_ids.size()) {
    const auto created = std::chrono::system_clock::to_time_t(image.created);
    state.settings.history.assign(diff_ids.size(), {created, "", "imported as " + image.name, "", false});
  }
  state.settings.diff_ids = std::move(diff_ids);
  return state;
}

}  // namespace

std::int64_t BuildContext::now() const {
  return options.epoch.value_or(std::time(nullptr));
}

std::string BuildContext::document_of(const StageState& state) const {
  const auto& history = state.settings.history;
  return settings_document(state.settings, architecture, history.empty() ? now() : history.back().created);
}

std::string BuildContext::id_of(const StageState& state) const {
  return state.id.empty() ? image::sha256_hex(document_of(state)) : state.id;
}

Result<cgroup::Group> BuildContext::limited_group() {
  const std::lock_guard lock(mutex);
  METE_TRY(cgroup::Group group, workspace.group(options.cgroup_parent));
  cgroup::Limits limits;
  constexpr std::int64_t kPeriod = 100'000;  // us
  if (options.cpus)
    limits.cpu_bandwidth = cgroup::CpuBandwidth{std::chrono::microseconds(options.cpus->count() * kPeriod / 1000)};
  if (options.memory) limits.memory = *options.memory;
  if (options.memory || options.cpus) METE_CHECK(group.apply(limits));
  if (options.memory) {
    limits.swap = Bytes(0);
    (void)group.apply(limits);  // not every machine counts swap
  }
  return group;
}

Result<const SourceTree*> BuildContext::context_tree() {
  const std::lock_guard lock(mutex);
  if (tree) return tree.get();
  if (context.empty()) return fail("found no context, expected a folder or a tar archive with the files");
  METE_TRY(IgnoreRules rules, read_ignore(context));
  METE_TRY(SourceTree opened, SourceTree::open(context, std::move(rules)));
  tree = std::make_unique<SourceTree>(std::move(opened));
  return tree.get();
}

Result<const StageState*> BuildContext::image(const std::string& name, bool fresh) {
  METE_TRY(const std::string normal, image::normalize_name(name));
  // Held during a pull, too: what two stages name is pulled once.
  const std::lock_guard lock(images_mutex);
  if (const auto known = images.find(normal); known != images.end()) return &known->second;
  auto found = store.find(normal);
  if (!found && found.error().code == ENOENT) found = store.resolve(name);  // by its id
  const bool missing = !found && found.error().code == ENOENT;
  if (missing || (found && fresh)) {
    METE_CHECK(outside.pull(normal));
    found = store.find(normal);
  }
  if (!found) return tl::unexpected(std::move(found.error()));
  METE_TRY(StageState state, state_of(*found, store, layers));
  for (HistoryRow& row : state.settings.history)
    row.created = std::min(row.created, options.epoch.value_or(row.created));
  return &(images[normal] = std::move(state));
}

Result<const StageState*> BuildContext::source(const std::string& from, std::size_t index) {
  const auto stage = find_stage(stages, from, index);
  if (!stage) return image(from, false);
  if (!builds_on(stages, index, *stage))
    return fail("found the stage \"" + from +
                "\" in a trigger of the base image, expected it to be one that this stage builds on");
  return &*done[*stage];
}

}  // namespace mete::runtime::build
