// SPDX-License-Identifier: Apache-2.0
// What the stages of a build share, which may be built side by side, and what a stage has come to.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/build/build.h"
#include "runtime/build/build_layers.h"
#include "runtime/build/key_turns.h"
#include "runtime/build/language/image_settings.h"
#include "runtime/build/source_tree.h"
#include "runtime/build/step_cache.h"
#include "runtime/build/stop_flag.h"
#include "runtime/build/workspace.h"

namespace mete::runtime::build {

// An image, or a stage as far as it is built.
struct StageState {
  ImageSettings settings;
  std::vector<std::string> layers;  // names in the store, topmost first
  std::string id;                   // of an image in the store; empty: nothing of that kind yet
};

struct BuildContext {
  image::Store& store;
  const BuildOptions& options;
  const Outside& outside;
  const OnText& on_text;
  const Dockerfile& file;
  const Stages& stages;
  Arguments platform;
  std::string context;  // a directory; empty: there is none
  std::string architecture;
  Workspace& workspace;
  StepCache& cache;
  BuildLayers& layers;
  std::vector<std::optional<StageState>> done;  // by the number of the stage; empty: not built
  std::unique_ptr<SourceTree> tree;             // of the context, opened at its first use
  std::map<std::string, StageState> images;     // by name, that COPY --from and FROM have named

  StopFlag& stop;                // one of the stages has failed
  std::mutex output_mutex = {};  // of `on_text`
  std::mutex mutex = {};         // of `tree`, and of the build's cgroup
  std::mutex images_mutex = {};  // of `images`
  KeyTurns turns = {};

  [[nodiscard]] std::int64_t now() const;  // or what SOURCE_DATE_EPOCH says
  // The configuration and its digest, without "sha256:".
  [[nodiscard]] std::string document_of(const StageState& state) const;
  [[nodiscard]] std::string id_of(const StageState& state) const;
  // The cgroup of the build, with its limits.
  [[nodiscard]] Result<cgroup::Group> limited_group();
  [[nodiscard]] Result<const SourceTree*> context_tree();
  // From the store, or pulled. `fresh`: the registry is asked even so.
  [[nodiscard]] Result<const StageState*> image(const std::string& name, bool fresh);
  // What `from` of the stage `index` names: a stage that it builds on, or an image.
  [[nodiscard]] Result<const StageState*> source(const std::string& from, std::size_t index);
};

}  // namespace mete::runtime::build
