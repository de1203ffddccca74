// SPDX-License-Identifier: Apache-2.0
// What earlier agents have left: recorded pods are adopted, what belongs to none is removed.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "agent/networks/networks.h"
#include "agent/pods/cgroup_parents.h"
#include "agent/pods/reconciler.h"
#include "runtime/cgroup/kill.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"
#include "runtime/storage/disk_mounts.h"
#include "runtime/storage/place.h"
#include "runtime/storage/volumes.h"

namespace mete::agent {
namespace {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.is_directory(ignored)) names.push_back(entry.path().filename().string());
  }
  return names;
}

// Names of the cgroups directly below `parent`, in all hierarchies.
std::set<std::string> children_of(const runtime::cgroup::Hierarchies& hierarchies, const std::string& parent) {
  std::set<std::string> children;
  for (const auto& mount : runtime::cgroup::process_mounts(hierarchies)) {
    for (auto& name : names_in(mount + parent)) children.insert(std::move(name));
  }
  return children;
}

}  // namespace

void Reconciler::adopt() {
  read_desired();
  std::vector<Pod*> adopted;
  for (const auto& uid : names_in(services_.settings.pods())) {
    const PodPaths paths(services_.settings, {.uid = uid});
    const auto text = runtime::read_file(AT_FDCWD, paths.record());
    if (!text && text.error().code != ENOENT) {
      // The record exists and may be readable the next time, so nothing that may belong to the pod is touched.
      all_read_ = false;
      services_.events.add(
          {.severity = Severity::kWarning,
           .reason = name_of(Reason::kRecordUnreadable),
           .message = text.error().what + "; the pod that it may describe is left alone until the next start"});
      continue;
    }
    auto record = text ? parse_record(*text) : tl::unexpected(text.error());
    if (!record || record->uid != uid) {
      if (text)
        services_.events.add({.severity = Severity::kWarning,
                              .reason = name_of(Reason::kRecordUnreadable),
                              .message = paths.directory() + ": " + (record ? "of another pod" : record.error().what)});
      // Without a record either no process of the pod runs, or its cgroup is found and removed.
      (void)runtime::storage::remove_volumes(paths.volumes());
      (void)runtime::storage::remove_places(paths.containers());
      (void)runtime::remove_tree(paths.directory());
      continue;
    }
    const std::string key = record->key();
    auto pod = Pod::adopt(tools_, std::move(*record), owner_of(key));
    if (!pod || pods_.contains(key)) continue;
    const auto wanted = wanted_.find(key);
    if ((*pod)->record().is_child()) {
      auto child = child_plan((*pod)->record());
      if (child.plan) (*pod)->set_plan(std::make_shared<const config::PodPlan>(std::move(*child.plan)));
    } else if (wanted != wanted_.end() && is_same((*pod)->record(), wanted->second)) {
      (*pod)->set_plan(wanted->second.plan);
    }
    adopted.push_back(pod->get());
    pods_[key] = std::move(*pod);
  }
  if (all_read_) remove_orphans();
  protect_parent();
  std::set<std::string> uids;
  for (const Pod* pod : adopted) uids.insert(pod->record().uid);
  tools_.networks.begin(all_read_ ? std::optional(std::move(uids)) : std::nullopt);
  for (Pod* pod : adopted) {
    pod->adopt_cores();
    pod->adopt_devices();
  }
  for (Pod* pod : adopted) pod->begin_adopted();
  reconcile();
}

// Those between the agent's and a pod's are looked into, and are somebody's as they are.
void Reconciler::remove_orphans_in(const std::string& parent, const std::set<std::string>& known) {
  for (const auto& name : children_of(services_.hierarchies, parent)) {
    std::string path = parent;
    path.append("/").append(name);
    if (known.contains(path)) continue;
    if (is_parents_name(name)) {
      remove_orphans_in(path, known);
      continue;
    }
    const auto group = runtime::cgroup::Group::at(services_.hierarchies, path);
    if (!group) continue;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kOrphan),
                          .message = "cgroup " + path + " belongs to no recorded pod; it is removed"});
    (void)runtime::cgroup::kill_at_once(*group);
    // Killed processes leave the cgroup within moments. The wait happens once, at start.
    for (int tries = 0; tries < 200 && !group->remove(); ++tries) ::usleep(5000);
  }
}

void Reconciler::remove_orphans() {
  std::set<std::string> uids;
  std::set<std::string> known;
  for (const auto& [key, pod] : pods_) {
    uids.insert(pod->record().uid);
    known.insert(pod->cgroup().path());
  }
  remove_orphans_in(services_.settings.cgroup_parent, known);
  remove_all_empty_parents(services_.settings, services_.hierarchies);
  if (const auto released = runtime::storage::release_other_disks(services_.settings.disks(), uids); !released)
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kCleanUpFailed), .message = released.error().what});
  // After a crash between the two folders: what is below the run folder alone. A pod that could not be adopted keeps
  // what is below the state folder.
  for (const auto& uid : names_in(services_.settings.run_pods())) {
    if (uids.contains(uid)) continue;
    const PodPaths paths(services_.settings, {.uid = uid});
    (void)runtime::storage::remove_memory_volumes(paths.volumes().memory);
    (void)runtime::remove_tree(paths.run_directory());
  }
}

}  // namespace mete::agent
