// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/prepared_trees.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "runtime/process/id_mappings.h"

namespace mete::runtime::process {
namespace {

Result<UniqueFd> prepare(const BindMount& op) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (op.recursive ? AT_RECURSIVE : 0U);
  UniqueFd tree(::open_tree(AT_FDCWD, op.source.c_str(), flags));
  if (!tree.valid()) return fail_errno("bind " + op.source);
  if (op.id_map.uids.empty() && op.id_map.gids.empty()) return tree;
  METE_TRY(const UniqueFd owners, open_id_map(op.id_map));
  struct mount_attr change {};
  change.attr_set = MOUNT_ATTR_IDMAP;
  change.userns_fd = static_cast<std::uint64_t>(owners.get());
  const unsigned how = AT_EMPTY_PATH | (op.id_map.recursive ? AT_RECURSIVE : 0U);
  if (::mount_setattr(tree.get(), "", how, &change, sizeof change) != 0)
    return fail_errno("map the owners of " + op.source);
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
    const auto* bind = std::get_if<BindMount>(&op);
    if (bind == nullptr || !bind->by_launcher) continue;
    METE_TRY(UniqueFd tree, prepare(*bind));
    prepared.trees.push_back(std::move(tree));
  }
  return prepared;
}

}  // namespace mete::runtime::process
