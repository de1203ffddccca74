// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/mount_plan.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "runtime/build/copy_step.h"
#include "runtime/file.h"

namespace mete::runtime::build {
namespace {

void add_mount_at(RunStep& step, process::MountSpec mount, bool is_file) {
  step.mount_points.push_back({mount.destination, is_file});
  step.mounts.push_back(std::move(mount));
}

// A copy of what the mount names, without what .dockerignore leaves out: the RUN may change it, and nobody else sees.
Result<std::string> copy_of(const SourceTree& tree, const SourceItem& item, Workspace& workspace,
                            image::Budget& budget) {
  METE_TRY(const std::string directory, workspace.make_directory());
  CopyStep copy{.keyword = "RUN --mount", .parts = {}, .target = "/item", .owner = {}, .mode = {}, .exclude = {}};
  copy.parts.push_back({.item = item, .content = {}, .file = {}, .name = item.name});
  METE_CHECK(carry_out_copy(copy, tree, directory, budget));
  return directory + "/item";
}

Result<SourceItem> find_item(const RunMount& mount, const SourceTree& tree) {
  const std::string source = mount.source.empty() ? "/" : mount.source;
  if (has_wildcard(source)) return fail("--mount: found source=" + source + ", expected a path without wildcards");
  METE_TRY(auto items, tree.find(source));
  if (items.size() != 1)
    return fail("--mount: found no \"" + source + "\" in " + (mount.from.empty() ? "the context" : mount.from) +
                ", expected a file or folder");
  return std::move(items.front());
}

Status add_bind(const RunMount& mount, std::size_t stage, BuildContext& context, PlannedRun& planned) {
  std::optional<SourceTree> own;
  const SourceTree* tree = nullptr;
  if (mount.from.empty()) {
    METE_TRY(tree, context.context_tree());
  } else {
    METE_TRY(const StageState* from, context.source(mount.from, stage));
    METE_TRY(MountedTree mounted, context.workspace.mount_layers(from->layers));
    METE_TRY(SourceTree opened, SourceTree::open(mounted.path(), IgnoreRules()));
    planned.trees.push_back(std::move(mounted));
    tree = &own.emplace(std::move(opened));
  }
  METE_TRY(const SourceItem item, find_item(mount, *tree));
  std::string source = tree->directory() + (item.path.empty() ? "" : "/" + item.path);
  if (!mount.read_only || !tree->rules().empty()) {
    METE_TRY(image::Budget budget, image::Budget::of(context.workspace.directory()));
    METE_TRY(source, copy_of(*tree, item, context.workspace, budget));
  }
  add_mount_at(planned.step,
               {.destination = mount.target,
                .type = "bind",
                .source = source,
                .attributes = mount.read_only ? MOUNT_ATTR_RDONLY : 0U},
               !item.is_directory);
  return {};
}

Status add_cache(const RunMount& mount, PlannedRun& planned) {
  add_mount_at(planned.step,
               {.destination = mount.target,
                .type = "bind",
                .source = planned.caches.at(mount.id),
                .attributes = mount.read_only ? MOUNT_ATTR_RDONLY : 0U},
               false);
  return {};
}

void add_memory(const RunMount& mount, PlannedRun& planned) {
  std::string data = "mode=1777";
  if (mount.size > 0) data += ",size=" + std::to_string(mount.size);
  add_mount_at(planned.step,
               {.destination = mount.target,
                .type = "tmpfs",
                .source = "tmpfs",
                .data = data,
                .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV},
               false);
}

// The content is in memory alone, and in nothing that the step is known by.
Status add_secret(const RunMount& mount, BuildContext& context, PlannedRun& planned) {
  const auto secret = context.options.secrets.find(mount.id);
  if (secret == context.options.secrets.end()) {
    if (!mount.required) return {};
    return fail("--mount: found no secret \"" + mount.id + "\", expected --secret id=" + mount.id + ",src=FILE");
  }
  if (!mount.variable.empty()) {
    if (secret->second.find('\0') != std::string::npos)
      return fail("--mount: found a NUL character in the secret \"" + mount.id + "\", expected text for a variable");
    set_variable(planned.step.env, mount.variable, secret->second);
  }
  if (mount.target.empty()) return {};
  METE_TRY(MountedTree memory, context.workspace.mount_memory());
  const std::string path = memory.path() + "/secret";
  METE_TRY(const UniqueFd file, open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  METE_CHECK(write_all(file.get(), secret->second));
  if (::fchown(file.get(), mount.uid, mount.gid) != 0 || ::fchmod(file.get(), mount.mode) != 0)
    return fail_errno("set owner and mode of a secret");
  planned.trees.push_back(std::move(memory));
  add_mount_at(planned.step,
               {.destination = mount.target, .type = "bind", .source = path, .attributes = MOUNT_ATTR_RDONLY}, true);
  return {};
}

}  // namespace

Status add_run_mount(const RunMount& mount, std::size_t stage, BuildContext& context, PlannedRun& planned) {
  switch (mount.kind) {
    case RunMountKind::kBind:
      return add_bind(mount, stage, context, planned);
    case RunMountKind::kCache:
      return add_cache(mount, planned);
    case RunMountKind::kTmpfs:
      add_memory(mount, planned);
      return {};
    case RunMountKind::kSecret:
      return add_secret(mount, context, planned);
  }
  return fail("--mount: found an unknown type");
}

Result<std::string> run_inputs(const std::vector<RunMount>& mounts, std::size_t stage, BuildContext& context) {
  std::string inputs;
  for (const RunMount& mount : mounts) {
    if (mount.kind != RunMountKind::kBind) continue;
    if (!mount.from.empty()) {
      METE_TRY(const StageState* from, context.source(mount.from, stage));
      for (const std::string& layer : from->layers) inputs += layer + " ";
      continue;
    }
    METE_TRY(const SourceTree* tree, context.context_tree());
    METE_TRY(const SourceItem item, find_item(mount, *tree));
    CopyStep copy{.keyword = "RUN", .parts = {}, .target = "/", .owner = {}, .mode = {}, .exclude = {}};
    copy.parts.push_back({.item = item, .content = {}, .file = {}, .name = item.name});
    METE_TRY(const std::string sum, copy_sum(copy, *tree));
    inputs += sum + " ";
  }
  return inputs;
}

}  // namespace mete::runtime::build
