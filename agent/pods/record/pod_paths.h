// SPDX-License-Identifier: Apache-2.0
// Where the things of one pod are: its files under the state and the run folder, its logs, its cgroups. Nothing is
// looked at or made here.
//
//   STATE/pods/UID/                record.json, volumes/ (emptyDir), sandbox/ (an attempt's files, of the sandbox)
//   STATE/pods/UID/containers/C/N/ attempt N of container C: see runtime/shim/attempt_files.h
//   STATE/logs/NS_NAME/C.log       outlives a restart of the pod's containers, goes with the pod
//   STATE/claims/NS/CLAIM/         a persistentVolumeClaim: outlives the pod
//   RUN/pods/UID/                  volumes/ (tmpfs: medium Memory, ConfigMaps, Secrets), etc/ (hosts, hostname)
//   RUN/disks/LINK/                a disk that pods share: see runtime/storage/disk_mounts.h
//   PARENT/NS_NAME/C               the container's cgroup; PARENT/NS_NAME/_sandbox: the sandbox's; of a docker client's
//                                  container it is named by docker's id (container/container_cgroup.cpp)
//   PARENT/team/web/NS_NAME        a pod in a parent of its own (cgroup_parents.h), whose names have no '_'
//
// Folders that hold what a pod was given are named by its uid, which is of the agent's making and never comes again.
// Logs and cgroups, which people look for, are named by namespace and name; '_' cannot occur in either.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "agent/base/settings.h"
#include "runtime/storage/volumes.h"

namespace mete::agent {

class PodPaths {
 public:
  struct Name {
    std::string uid = {};
    std::string namespace_ = {};
    std::string name = {};
    std::string cgroup_parent = {};  // PodRecord's
  };
  // `settings` outlive it.
  PodPaths(const Settings& settings, Name pod) : settings_(&settings), pod_(std::move(pod)) {}

  [[nodiscard]] std::string directory() const { return settings_->pods() + "/" + pod_.uid; }
  [[nodiscard]] std::string record() const { return directory() + "/record.json"; }
  [[nodiscard]] std::string sandbox() const { return directory() + "/sandbox"; }
  [[nodiscard]] std::string containers() const { return directory() + "/containers"; }
  [[nodiscard]] std::string container(const std::string& name) const { return containers() + "/" + name; }
  [[nodiscard]] std::string attempt(const std::string& container, std::uint32_t number) const;

  [[nodiscard]] std::string run_directory() const { return settings_->run_pods() + "/" + pod_.uid; }
  [[nodiscard]] std::string etc() const { return run_directory() + "/etc"; }
  [[nodiscard]] runtime::storage::VolumeDirectories volumes() const;
  [[nodiscard]] std::string disks() const { return settings_->disks(); }  // of all pods
  [[nodiscard]] const std::string& uid() const { return pod_.uid; }

  [[nodiscard]] std::string logs() const { return settings_->logs() + "/" + people_name(); }
  [[nodiscard]] std::string log(const std::string& container) const { return logs() + "/" + container + ".log"; }

  [[nodiscard]] std::string cgroup() const {
    const std::string& below = pod_.cgroup_parent;
    return settings_->cgroup_parent + "/" + (below.empty() ? "" : below + "/") + people_name();
  }

 private:
  [[nodiscard]] std::string people_name() const { return pod_.namespace_ + "_" + pod_.name; }

  const Settings* settings_;
  Name pod_;
};

// The name of the sandbox's cgroup below the pod's; no container can have that name.
inline constexpr const char* kSandboxCgroup = "_sandbox";

}  // namespace mete::agent
