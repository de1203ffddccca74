// SPDX-License-Identifier: Apache-2.0
// Carries out the instructions of one stage.
#pragma once

#include "runtime/build/language/scope.h"
#include "runtime/build/run_plan.h"
#include "runtime/build/stage_output.h"
#include "runtime/build/stage_state.h"

namespace mete::runtime::build {

// Counts the steps of the whole build, stage after stage: "Step 3/7 : ".
struct StepCount {
  std::size_t now = 0;  // the last one before this stage
  std::size_t all = 0;
};

class StageBuilder {
 public:
  StageBuilder(BuildContext& context, const Stage& stage, StepCount count, StageOutput& output)
      : context_(context),
        stage_(stage),
        count_(count),
        output_(output),
        scope_(context.stages, context.options.arguments, context.platform) {}

  // `last`: the image's own stage, which gets the labels of the command line.
  [[nodiscard]] Result<StageState> run(bool last);

 private:
  // What is made of a step: `make` writes into the tree mounted at the path.
  struct Making {
    std::string inputs;       // what the step depends on, besides the image below
    std::string shown;        // for the history
    bool on_nothing = false;  // not on the image below: COPY --link
  };

  [[nodiscard]] Status from();
  [[nodiscard]] Status triggers();
  [[nodiscard]] Status step(const Instruction& at);
  [[nodiscard]] Status carry_out(const Instruction& at);
  [[nodiscard]] Status change_settings(const Instruction& at);
  [[nodiscard]] Status argument(const Instruction& at);
  [[nodiscard]] Status working_dir(const Instruction& at);
  [[nodiscard]] Status copy(const Instruction& at);
  [[nodiscard]] Status run_command_of(const Instruction& at);
  [[nodiscard]] Result<Making> run_key(const Instruction& at, const RunCommand& command,
                                       const std::vector<RunMount>& mounts);
  [[nodiscard]] Status labels();

  // The layers that the step is mounted on, from the mounted image below.
  using Prepare = std::function<Result<std::vector<std::string>>(const MountedTree& below)>;
  using Make = std::function<Status(const MountedTree& tree)>;
  [[nodiscard]] Status layer_step(const Making& making, const Make& make, const Prepare& prepare = nullptr);
  [[nodiscard]] Result<std::string> make_layer(const Making& making, const Make& make, const Prepare& prepare);
  [[nodiscard]] Result<bool> take_cached(const std::string& key, const std::string& shown);
  // The step changes no file.
  [[nodiscard]] Status settings_step(const ImageSettings& before, const std::string& shown);
  void add_result(const CachedStep& result, const std::string& shown);
  [[nodiscard]] std::string key_of(const ImageSettings& before, const std::string& inputs) const;
  void say(const std::string& text) const { output_.say(text); }
  // The error: the configuration has grown too large.
  [[nodiscard]] Status say_result(bool cached) const;
  [[nodiscard]] tl::unexpected<Error> placed(const Instruction& at, const Error& error) const;

  BuildContext& context_;
  const Stage& stage_;
  StepCount count_;
  StageOutput& output_;
  Scope scope_;
  StageState state_;
  bool cmd_set_ = false;
  bool use_cache_ = true;
};

}  // namespace mete::runtime::build
