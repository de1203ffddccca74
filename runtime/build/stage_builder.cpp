// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/stage_builder.h"

#include <sys/stat.h>
#include <unistd.h>

#include "runtime/build/settings_step.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::build {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kKeyVersion = "2";  // another one: what a step does has changed
constexpr std::size_t kMostDocument = 4U << 20U;

// "linux/amd64", "amd64" or "linux" for this machine.
bool is_platform(const std::string& text, const std::string& architecture) {
  const std::string lower = lower_case(text);
  return lower == "linux/" + architecture || lower == architecture || lower == "linux" ||
         (architecture == "arm64" && lower == "linux/arm64/v8");
}

}  // namespace

tl::unexpected<Error> StageBuilder::placed(const Instruction& at, const Error& error) const {
  // It points into the file already.
  if (error.what.starts_with(context_.file.source.name() + ":")) return tl::unexpected(error);
  const bool named = error.what.starts_with(at.keyword);
  Error shown = error;
  shown.what = context_.file.source.picture(at.line, "", (named ? "" : at.keyword + ": ") + error.what);
  return tl::unexpected(std::move(shown));
}

Status StageBuilder::say_result(bool cached) const {
  const std::string document = context_.document_of(state_);
  if (document.size() > kMostDocument)
    return fail("found a configuration of " + std::to_string(document.size()) + " bytes, expected at most " +
                std::to_string(kMostDocument) + ": no registry takes a larger one");
  say(std::string(cached ? " ---> Using cache\n" : "") + " ---> " + image::sha256_hex(document).substr(0, 12) + "\n");
  return {};
}

std::string StageBuilder::key_of(const ImageSettings& before, const std::string& inputs) const {
  const std::string epoch = context_.options.epoch ? std::to_string(*context_.options.epoch) : "";
  return image::sha256_hex(key_text({kKeyVersion, context_.architecture, epoch, settings_identity(before), inputs}));
}

void StageBuilder::add_result(const CachedStep& result, const std::string& shown) {
  state_.settings.history.push_back({result.created, shown, "", state_.settings.author, result.diff_id.empty()});
  if (result.diff_id.empty()) return;
  state_.settings.diff_ids.push_back(result.diff_id);
  state_.layers.insert(state_.layers.begin(), layer_of(result.diff_id));
}

Result<bool> StageBuilder::take_cached(const std::string& key, const std::string& shown) {
  if (!use_cache_) return false;
  const auto found = context_.cache.find(key);
  if (found && !found->diff_id.empty()) {
    METE_TRY(const bool there, context_.layers.use(layer_of(found->diff_id)));
    if (!there) return false;
    context_.cache.touch(layer_of(found->diff_id));
  }
  if (!found) return false;
  add_result(*found, shown);
  METE_CHECK(say_result(true));
  return true;
}

Status StageBuilder::settings_step(const ImageSettings& before, const std::string& shown) {
  const std::string key = key_of(before, shown);
  METE_TRY(const bool cached, take_cached(key, no_command(" " + shown)));
  if (cached) return {};
  const CachedStep result{context_.now(), ""};
  METE_CHECK(context_.cache.remember(key, result, ""));
  add_result(result, no_command(" " + shown));
  return say_result(false);
}

Result<std::string> StageBuilder::make_layer(const Making& making, const Make& make, const Prepare& prepare) {
  METE_TRY(const std::string upper, context_.workspace.make_directory());
  std::vector<std::string> lowers;
  if (!making.on_nothing) lowers = state_.layers;
  {
    METE_TRY(const MountedTree below, context_.workspace.mount_layers(lowers));
    struct stat info {};
    if (::fstat(below.root(), &info) != 0) return fail_errno("stat the image's root");
    if (::chown(upper.c_str(), info.st_uid, info.st_gid) != 0 || ::chmod(upper.c_str(), info.st_mode & 07777U) != 0)
      return fail_errno("set owner and mode of " + upper);
    if (prepare) {
      METE_TRY(lowers, prepare(below));
    }
  }
  {
    METE_TRY(const MountedTree tree, context_.workspace.mount_layers(lowers, upper));
    METE_CHECK(make(tree));
  }
  std::size_t devices = 0;
  std::string first;
  METE_TRY(std::string diff_id, context_.layers.keep(upper, [&](const std::string& path) {
    if (++devices == 1) first = path;
  }));
  if (devices > 0)
    say(" ---> [Warning] device node /" + first + (devices > 1 ? " and " + std::to_string(devices - 1) + " more" : "") +
        ": not kept, layers have none\n");
  return diff_id;
}

Status StageBuilder::layer_step(const Making& making, const Make& make, const Prepare& prepare) {
  const std::string key = key_of(making.on_nothing ? ImageSettings() : state_.settings, making.inputs);
  std::optional<KeyTurns::Turn> turn;
  if (use_cache_) turn.emplace(context_.turns, key);
  METE_TRY(const bool cached, take_cached(key, making.shown));
  if (cached) return {};
  CachedStep result;
  METE_TRY(result.diff_id, make_layer(making, make, prepare));
  result.created = context_.now();
  METE_CHECK(context_.cache.remember(key, result, result.diff_id.empty() ? "" : layer_of(result.diff_id)));
  add_result(result, making.shown);
  return say_result(false);
}

Status StageBuilder::from() {
  const std::string& platform = stage_.platform.empty() ? context_.options.platform : stage_.platform;
  if (!platform.empty() && !is_platform(platform, context_.architecture))
    return fail("found the platform " + platform + ", expected linux/" + context_.architecture +
                ": images are built for this machine");
  if (stage_.parent) {
    state_ = *context_.done[*stage_.parent];
  } else if (stage_.base != "scratch") {
    METE_TRY(const StageState* base, context_.image(stage_.base, context_.options.pull));
    state_ = *base;
  }
  if (!variable_of(state_.settings.env, "PATH")) set_variable(state_.settings.env, "PATH", kDefaultPath);
  const bool nothing = stage_.base == "scratch" && !stage_.parent;
  say(" --->" + (nothing ? "" : " " + context_.id_of(state_).substr(0, 12)) + "\n");
  state_.id.clear();
  return {};
}

// What the base image wants to be done first.
Status StageBuilder::triggers() {
  std::vector<std::string> triggers;
  triggers.swap(state_.settings.on_build);
  if (triggers.empty()) return {};
  say("# Executing " + std::to_string(triggers.size()) + " build trigger" + (triggers.size() == 1 ? "" : "s") + "\n");
  for (const std::string& text : triggers) {
    auto at = parse_instruction(SourceText("ONBUILD of " + stage_.base, text), 1, text, '\\');
    if (!at) return tl::unexpected(std::move(at.error()));
    if (at->keyword == "ONBUILD" || at->keyword == "FROM" || at->keyword == "MAINTAINER")
      return fail("found the trigger " + at->keyword + " in " + stage_.base + ", expected another instruction");
    at->line = stage_.from.line;
    if (auto done = carry_out(*at); !done) return fail_in("trigger \"" + text + "\"", done.error());
  }
  return {};
}

Status StageBuilder::carry_out(const Instruction& at) {
  if (changes_settings(at.keyword)) return change_settings(at);
  if (at.keyword == "ARG") return argument(at);
  if (at.keyword == "WORKDIR") return working_dir(at);
  if (at.keyword == "COPY" || at.keyword == "ADD") return copy(at);
  return run_command_of(at);
}

Status StageBuilder::step(const Instruction& at) {
  if (context_.stop.raised()) return tl::unexpected(stopped_error());
  ++count_.now;
  say("Step " + std::to_string(count_.now) + "/" + std::to_string(count_.all) + " : " + at.text() + "\n");
  if (at.keyword == "FROM") {
    if (auto done = from(); !done) return placed(at, done.error());
    if (auto done = triggers(); !done) return placed(at, done.error());
    return {};
  }
  auto done = carry_out(at);
  return done ? Status() : placed(at, done.error());
}

Status StageBuilder::change_settings(const Instruction& at) {
  const ImageSettings before = state_.settings;
  const StepContext context{context_.file.source, context_.file.escape, scope_.lookup(before), cmd_set_};
  METE_TRY(const std::string shown, apply_to_settings(at, context, state_.settings));
  cmd_set_ = cmd_set_ || at.keyword == "CMD";
  return settings_step(before, shown);
}

Status StageBuilder::argument(const Instruction& at) {
  METE_CHECK(check_flags(at, {}));
  const ImageSettings before = state_.settings;
  METE_TRY(const std::string shown, scope_.declare(at, before, context_.file.escape));
  return settings_step(before, shown);
}

Status StageBuilder::labels() {
  if (context_.options.labels.empty()) return {};
  ++count_.now;
  const ImageSettings before = state_.settings;
  std::string shown = "LABEL";
  for (const auto& [name, value] : context_.options.labels) {
    state_.settings.labels[name] = value;
    shown.append(" ").append(name).append("=").append(value);
  }
  say("Step " + std::to_string(count_.now) + "/" + std::to_string(count_.all) + " : " + shown + "\n");
  return settings_step(before, shown);
}

Result<StageState> StageBuilder::run(bool last) {
  use_cache_ = context_.options.use_cache;
  METE_CHECK(step(stage_.from));
  for (const Instruction& at : stage_.body) METE_CHECK(step(at));
  if (last) METE_CHECK(labels());
  return std::move(state_);
}

}  // namespace mete::runtime::build
