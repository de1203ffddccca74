// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/prepared_trees.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/file.h"
#include "runtime/process/child/child_context.h"
#include "runtime/process/launch/id_mappings.h"
#include "runtime/process/launch/prepared_root.h"
#include "runtime/process/plan/mount_attributes.h"
#include "runtime/process/plan/sub_path.h"

namespace mete::runtime::process {
namespace {

Status map_owners(const BindMount& op, const UniqueFd& tree) {
  UniqueFd owners;
  if (op.id_map.user_namespace.empty()) {
    METE_TRY(owners, open_id_map(op.id_map));
  } else {
    METE_TRY(owners, open_at(AT_FDCWD, op.id_map.user_namespace, O_RDONLY | O_NONBLOCK));
  }
  struct mount_attr change {};
  change.attr_set = MOUNT_ATTR_IDMAP;
  change.userns_fd = static_cast<std::uint64_t>(owners.get());
  const unsigned how = AT_EMPTY_PATH | (op.id_map.recursive ? AT_RECURSIVE : 0U);
  if (::mount_setattr(tree.get(), "", how, &change, sizeof change) == 0) return {};
  if (errno == EINVAL)
    return fail("map the owners of " + op.source +
                ": found a file system or kernel without idmapped mounts, expected both");
  return fail_errno("map the owners of " + op.source);
}

Result<UniqueFd> open_below(const BindMount& op) {
  METE_TRY(const UniqueFd volume, open_at(AT_FDCWD, op.source, O_PATH | O_DIRECTORY));
  UniqueFd inside(open_sub_path(volume.get(), op.sub_path.c_str()));
  if (!inside.valid()) return fail_errno("open subPath " + op.sub_path);
  return inside;
}

// The copy is a peer of the mount at the source, as the child's own copies are not: what the container mounts below it
// would appear on the host.
Status part_from_peers(const BindMount& op, const UniqueFd& tree) {
  if ((op.propagation & MS_SHARED) != 0) return {};
  struct mount_attr change {};
  change.propagation = (op.propagation & MS_SLAVE) != 0 ? MS_SLAVE : MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) != 0)
    return fail_errno("set the propagation of " + op.source);
  return {};
}

// An invalid descriptor: the child has to copy the mount.
Result<UniqueFd> prepare(const BindMount& op) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (op.recursive ? AT_RECURSIVE : 0U);
  UniqueFd inside;
  if (!op.sub_path.empty()) {
    METE_TRY(inside, open_below(op));
  }
  UniqueFd tree(inside.valid() ? ::open_tree(inside.get(), "", flags | AT_EMPTY_PATH)
                               : ::open_tree(AT_FDCWD, op.source.c_str(), flags));
  if (!tree.valid() && errno == EPERM && op.copier == MountCopier::launcher_if_allowed) return tree;
  if (!tree.valid()) return fail_errno("bind " + op.source);
  METE_CHECK(part_from_peers(op, tree));
  if (!op.id_map.empty()) METE_CHECK(map_owners(op, tree));
  if (change_attributes(tree.get(), 0, op.cleared, op.recursive) != 0 ||
      change_attributes(tree.get(), 0, op.top_cleared, false) != 0)
    return fail_errno("clear mount attributes of " + op.source);
  return tree;
}

}  // namespace

std::vector<int> PreparedTrees::numbers() const {
  std::vector<int> all;
  all.reserve(trees.size());
  for (const auto& tree : trees) all.push_back(tree.get());
  return all;
}

Result<PreparedTrees> prepare_trees(const Plan& plan) {
  PreparedTrees prepared;
  for (const auto& op : plan.ops) {
    if (const auto* root = std::get_if<MountRoot>(&op); root != nullptr && root->prepared) {
      METE_TRY(UniqueFd tree, prepare_root(*root));
      prepared.trees.push_back(std::move(tree));
      continue;
    }
    const auto* bind = std::get_if<BindMount>(&op);
    if (bind == nullptr || bind->copier == MountCopier::child) continue;
    // Each takes a descriptor until the clone, of which there may be no more than 1024.
    constexpr std::size_t kMostOptional = 256;
    const bool optional = bind->copier == MountCopier::launcher_if_allowed;
    if (optional && prepared.trees.size() >= kMostOptional) {
      prepared.trees.emplace_back();
      continue;
    }
    METE_TRY(UniqueFd tree, prepare(*bind));
    prepared.trees.push_back(std::move(tree));
  }
  return prepared;
}

}  // namespace mete::runtime::process
