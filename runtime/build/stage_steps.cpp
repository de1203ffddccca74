// SPDX-License-Identifier: Apache-2.0
// The instructions of a stage that make a layer.
#include <cstdio>

#include "runtime/build/copy_plan.h"
#include "runtime/build/run_plan.h"
#include "runtime/build/settings_step.h"
#include "runtime/build/stage_builder.h"

namespace mete::runtime::build {
namespace {

std::string usage_text(const RunUsage& usage) {
  std::string text;
  char part[80];
  if (usage.cpu_ns) {
    (void)std::snprintf(&part[0], sizeof part, "%.2f s of CPU", static_cast<double>(*usage.cpu_ns) / 1e9);
    text += &part[0];
  }
  if (usage.peak_bytes) {
    (void)std::snprintf(&part[0], sizeof part, "%.1f MiB of memory at most",
                        static_cast<double>(*usage.peak_bytes) / 1048576.0);
    text += (text.empty() ? "" : ", ") + std::string(&part[0]);
  }
  return text;
}

}  // namespace

Status StageBuilder::working_dir(const Instruction& at) {
  METE_CHECK(check_flags(at, {}));
  METE_TRY(const std::string path, expand(at.rest, scope_.lookup(state_.settings), context_.file.escape));
  if (path.empty()) return fail("found nothing after variables are replaced, expected a path");
  state_.settings.working_dir = from_working_dir(state_.settings, path);
  const std::string place = state_.settings.working_dir;
  const Making making{"WORKDIR " + place, no_command("WORKDIR " + place)};
  return layer_step(making, [&](const MountedTree& tree) -> Status {
    METE_TRY(image::LayerWriter writer, image::LayerWriter::open(tree.path()));
    METE_TRY([[maybe_unused]] const bool made, make_folders(writer, place, FileOwner()));
    return writer.finish();
  });
}

Status StageBuilder::copy(const Instruction& at) {
  const Lookup lookup = scope_.lookup(state_.settings);
  METE_TRY(const CopyWords words, copy_words(at, lookup, context_.file.escape));
  std::optional<MountedTree> mounted;
  std::optional<SourceTree> own;
  const SourceTree* tree = nullptr;
  const auto from = flag_value(at, "from");
  const bool from_nothing = words.sources.empty() || (words.sources.size() == 1 && is_url(words.sources.front()));
  if (from) {
    METE_TRY(const StageState* source, context_.source(*from, stage_.index));
    METE_TRY(MountedTree files, context_.workspace.mount_layers(source->layers));
    METE_TRY(SourceTree opened, SourceTree::open(files.path(), IgnoreRules()));
    mounted.emplace(std::move(files));
    tree = &own.emplace(std::move(opened));
  } else if (from_nothing) {
    METE_TRY(SourceTree nothing, SourceTree::open(context_.workspace.directory(), IgnoreRules()));
    tree = &own.emplace(std::move(nothing));
  } else {
    METE_TRY(tree, context_.context_tree());
  }
  METE_TRY(const CopyStep step, plan_copy(at, words, state_, *tree, context_));
  METE_TRY(const std::string sum, copy_sum(step, *tree));
  const std::string shown = words.text(at.keyword);
  const Making making{key_text({shown, step.target, sum}), no_command(shown), words.link};
  METE_TRY(image::Budget budget, image::Budget::of(context_.workspace.directory()));
  return layer_step(making,
                    [&](const MountedTree& target) { return carry_out_copy(step, *tree, target.path(), budget); });
}

Result<StageBuilder::Making> StageBuilder::run_key(const Instruction& at, const RunCommand& command,
                                                   const std::vector<RunMount>& mounts) {
  METE_TRY([[maybe_unused]] const RunNetwork network, run_network(at, context_.options.network));
  METE_TRY(const std::string inputs, run_inputs(mounts, stage_.index, context_));
  Making making{key_text({"RUN", inputs, command.script}), ""};
  for (const RunMount& mount : mounts) making.inputs += key_text({"mount", mount.target, mount.source, mount.id});
  for (const Flag& flag : at.flags) making.inputs += key_text({flag.name, flag.value.value_or("")});
  for (const std::string& arg : command.args) making.inputs += key_text({"arg", arg});
  const auto variables = scope_.run_variables(state_.settings, false);
  for (const std::string& each : variables) making.inputs += key_text({"variable", each});
  if (!variables.empty()) {
    making.shown = "|" + std::to_string(variables.size()) + " ";
    for (const std::string& each : variables) making.shown += each + " ";
  }
  making.shown += command.shown;
  return making;
}

Status StageBuilder::run_command_of(const Instruction& at) {
  METE_TRY(const RunCommand command, run_command(at, state_.settings, context_.file.escape));
  METE_TRY(const auto mounts, expanded_mounts(at, state_, scope_, context_.file.escape));
  METE_TRY(const Making making, run_key(at, command, mounts));
  std::optional<PlannedRun> planned;
  const Prepare prepare = [&](const MountedTree& below) -> Result<std::vector<std::string>> {
    METE_TRY(PlannedRun made, plan_run(at, command, mounts, state_, scope_, stage_.index, context_));
    METE_TRY(const std::string points, context_.workspace.make_directory());
    METE_CHECK(make_mount_points(below.root(), points, made.step.mount_points));
    planned.emplace(std::move(made));
    std::vector<std::string> lowers = state_.layers;
    lowers.insert(lowers.begin(), points);
    return lowers;
  };
  const Make make = [&](const MountedTree& tree) -> Status {
    say(" ---> Running in " + context_.workspace.id() + "\n");
    METE_TRY(const cgroup::Group group, context_.limited_group());
    METE_TRY(const RunOutcome outcome,
             carry_out_run(planned->step, tree.path(), group, [this](std::string_view text) { output_.say(text); }));
    const std::string usage = usage_text(outcome.usage);
    if (!usage.empty()) say(" ---> Used " + usage + "\n");
    if (outcome.code == 0) return {};
    return fail("the command '" + command.shown + "' returned a non-zero code: " + std::to_string(outcome.code) +
                (outcome.usage.oom_kills > 0 ? ": it had no memory left and was killed" : ""));
  };
  return layer_step(making, make, prepare);
}

}  // namespace mete::runtime::build
