// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/build.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "runtime/build/build_stages.h"
#include "runtime/build/context_archive.h"
#include "runtime/build/guard.h"
#include "runtime/build/language/scope.h"
#include "runtime/build/stage_builder.h"
#include "runtime/image/archives/import.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/staging.h"

namespace mete::runtime::build {
namespace {

// overlayfs takes a layer once. Where two steps have made the same one, the lower is hidden by the upper as a whole.
void drop_hidden_layers(StageState& state) {
  std::set<std::string> seen;
  auto& diff_ids = state.settings.diff_ids;
  std::size_t row = state.settings.history.size();
  for (std::size_t i = diff_ids.size(); i-- > 0;) {
    do {
      --row;
    } while (state.settings.history[row].empty_layer);
    if (seen.insert(diff_ids[i]).second) continue;
    state.settings.history[row].empty_layer = true;
    state.layers.erase(state.layers.begin() + static_cast<std::ptrdiff_t>(diff_ids.size() - 1 - i));
    diff_ids.erase(diff_ids.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// The store's images have at least one layer.
Status add_layer_to_nothing(BuildContext& context, StageState& state) {
  if (!state.layers.empty()) return {};
  METE_TRY(const std::string upper, context.workspace.make_directory());
  METE_TRY(const std::string diff_id, context.layers.keep_empty(upper));
  state.settings.diff_ids = {diff_id};
  state.layers = {layer_of(diff_id)};
  state.settings.history.push_back({context.now(), "", "nothing", "", false});
  return {};
}

// A build of which all was known comes to the image that is there.
bool is_there(const image::Store& store, const std::vector<std::string>& names, const image::Image& wanted) {
  const auto is_same = [&](const std::string& name) {
    const auto found = store.find(name);
    return found && found->id == wanted.id && found->layers == wanted.layers;
  };
  return !names.empty() && std::all_of(names.begin(), names.end(), is_same);
}

Status commit(BuildContext& context, const StageState& state, const std::string& document) {
  METE_TRY(const image::ConfigDocument parsed, image::parse_config(document));
  METE_CHECK(image::check_image(parsed, state.layers.size()));
  METE_TRY(image::Staging staging, image::Staging::begin(context.store.directory(), image::Wait::kYes));
  image::Image made;
  made.id = staging.add_document(document).substr(std::string_view("sha256:").size());
  const std::vector<std::string>& names = context.options.names;
  made.name = names.empty() ? image::nameless(made.id) : names.front();
  made.layers = state.layers;
  made.config = parsed.config;
  made.created = parsed.created;
  if (is_there(context.store, names, made)) return {};
  METE_TRY(made, image::finish_image(staging, std::move(made)));
  for (std::size_t i = 1; i < names.size(); ++i) {
    made.name = names[i];
    METE_CHECK(staging.commit(made));
  }
  return {};
}

struct Source {
  std::string context;
  std::string dockerfile;
};

Result<Source> source_of(const BuildOptions& options, Workspace& workspace) {
  if (!options.archive) return Source{options.context, options.dockerfile};
  Source source;
  METE_TRY(source.context, workspace.make_directory());
  METE_CHECK(unpack_context(options.archive, source.context));
  METE_TRY(source.dockerfile, read_in_context(source.context, options.dockerfile_name, kMostDockerfile));
  return source;
}

void warn_of_unused(const BuildContext& context) {
  const auto unused = unused_arguments(context.file, context.options.arguments);
  if (unused.empty()) return;
  std::string text = "[Warning] One or more build-args [";
  for (const std::string& each : unused) text += (text.ends_with('[') ? "" : " ") + each;
  context.on_text(text + "] were not consumed\n");
}

}  // namespace

Result<std::string> build(image::Store& store, const BuildOptions& options, const Outside& outside,
                          const OnText& on_text) {
  METE_TRY(const cgroup::Hierarchies hierarchies, cgroup::find_hierarchies());
  // Before the mount namespace: the guard does not hold the build's mounts.
  METE_TRY(const Guard guard, Guard::start(store.directory(), hierarchies));
  METE_TRY(Workspace workspace, Workspace::begin(store.directory(), hierarchies));
  METE_TRY(const Source source, source_of(options, workspace));
  METE_TRY(const Dockerfile file, parse_dockerfile(options.dockerfile_name, source.dockerfile));
  const std::string architecture = image::machine_architecture();
  const Arguments platform = platform_arguments(architecture);
  METE_TRY(const Stages stages, split_stages(file, options.arguments, platform));
  METE_TRY(StepCache cache, StepCache::open(store.directory()));
  BuildLayers layers(store, options.epoch);
  METE_TRY(StopFlag stop, StopFlag::make());
  BuildContext context{.store = store,
                       .options = options,
                       .outside = outside,
                       .on_text = on_text,
                       .file = file,
                       .stages = stages,
                       .platform = platform,
                       .context = source.context,
                       .architecture = architecture,
                       .workspace = workspace,
                       .cache = cache,
                       .layers = layers,
                       .done = std::vector<std::optional<StageState>>(stages.all.size()),
                       .tree = nullptr,
                       .images = {},
                       .stop = stop};
  METE_TRY(const auto order, needed_stages(stages, options.target));
  METE_TRY(StageState result, build_stages(context, order));
  METE_CHECK(add_layer_to_nothing(context, result));
  drop_hidden_layers(result);
  METE_CHECK(commit(context, result, context.document_of(result)));
  warn_of_unused(context);
  return context.id_of(result);
}

}  // namespace mete::runtime::build
