// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_remains.h"

#include <utility>

#include "runtime/file.h"
#include "runtime/storage/disk_mounts.h"
#include "runtime/storage/place.h"
#include "runtime/storage/volumes.h"

namespace mete::agent {

namespace {

Status remove_files(const PodPaths& paths) {
  METE_CHECK(runtime::storage::release_disks(paths.disks(), paths.uid()));
  METE_CHECK(runtime::storage::remove_volumes(paths.volumes()));
  METE_CHECK(runtime::remove_tree(paths.run_directory()));
  METE_CHECK(runtime::remove_tree(paths.logs()));
  METE_CHECK(runtime::storage::release_places(paths.containers()));
  return runtime::remove_tree(paths.directory());
}

}  // namespace

Status remove(const PodRemains& remains) {
  for (const auto& group : remains.cgroups) METE_CHECK(group.remove());
  auto done = remove_files(remains.paths);
  if (!done) return fail(std::move(done.error().what));  // without its code: a mount that is busy is no busy cgroup
  return {};
}

}  // namespace mete::agent
