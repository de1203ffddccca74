// SPDX-License-Identifier: Apache-2.0
// Mounts volumes that come from elsewhere: directories of NFS servers, disks of a cloud. Each mount is a process of its
// own (`mete mount-for-agent`), because it waits for a server or a disk, and only a process can be given up. A failed
// one is tried again after a second, then after twice the time, at most 2 minutes: nearly the kubelet's rule
// (pkg/util/goroutinemap/exponentialbackoff).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "agent/pods/record/pod_paths.h"
#include "config/model/volume.h"

namespace mete::agent {

class VolumeMounts {
 public:
  explicit VolumeMounts(Services& services) : services_(services) {}
  VolumeMounts(const VolumeMounts&) = delete;
  VolumeMounts& operator=(const VolumeMounts&) = delete;

  [[nodiscard]] static bool is_mounted_from_elsewhere(const config::VolumeSource& source);

  // Why it is not there, in the kubelet's words.
  struct Failure {
    std::string message;
    std::chrono::seconds again{1};
  };
  // Called once from the loop: the directory, or why there is none.
  using Done = std::function<void(const tl::expected<std::string, Failure>&)>;
  // One volume of a pod at a time.
  void mount(const PodPaths& pod, const config::Volume& volume, Done done);
  // Ends what is being mounted for the pod, and forgets how often it failed.
  void give_up(const std::string& uid);

 private:
  struct Request {
    std::string text;       // for the process
    std::string directory;  // where it will be
  };
  [[nodiscard]] Result<Request> request_of(const PodPaths& pod, const config::Volume& volume) const;
  [[nodiscard]] Result<pid_t> start(const Request& request, const std::string& uid, std::function<void(Status)> ended);
  [[nodiscard]] Failure failure(const std::string& uid, const config::Volume& volume, const std::string& what);

  Services& services_;
  std::map<std::string, pid_t> running_;  // by pod
  std::map<std::string, int> failures_;   // "UID VOLUME"
  Alive alive_;
};

}  // namespace mete::agent
