// SPDX-License-Identifier: Apache-2.0
// A docker client's container as a Pod of one container. Pure: what must be looked up is passed in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/docker/container/record.h"
#include "config/resolve/desired_state.h"

namespace mete::agent::docker {

// A volume or a directory of the machine that the container mounts, in the request's order.
struct MountAsked {
  std::string type;    // "bind", "volume", "tmpfs"
  std::string source;  // a path of the machine, or a volume's name; empty: an anonymous volume
  std::string target;
  std::string mode;  // as inspect shows it: "", "ro", "z"
  bool read_only = false;
  std::string propagation;  // "rprivate", "rslave", "rshared"
  bool must_exist = false;  // of --mount: -v makes the folder
  bool no_copy = false;     // a new volume stays empty
  std::string options;      // of a tmpfs
  Json volume_options;      // of a volume that is made for it
};
// Binds, Mounts, Tmpfs and Volumes. The error is for the client, in docker's words.
[[nodiscard]] Result<std::vector<MountAsked>> mounts_of(const Json& config, const Json& host_config);

struct PortAsked {
  std::uint16_t container_port = 0;
  std::string protocol = "tcp";
  std::string host_ip;
  std::uint16_t host_port = 0;  // 0: any that is free
};
// "80/tcp", a name in ExposedPorts and PortBindings; without a protocol it is tcp.
[[nodiscard]] Result<PortAsked> exposed_port(const std::string& text);
// PortBindings, and with PublishAllPorts the exposed ones.
[[nodiscard]] Result<std::vector<PortAsked>> ports_of(const Json& config, const Json& host_config);

// What the translation cannot know.
struct Surrounding {
  std::string volumes;        // the folder of named volumes: VOLUMES/NAME/_data
  std::string shared_memory;  // the folder of what is /dev/shm of an IPC namespace for several: FOLDER/ID
  // For PidMode and IpcMode container:X: kPidOf and kIpcOf (agent/pods/record/pod_record.h); empty: it has its own.
  std::string pid_of;
  std::string ipc_of;
  std::string ipc_owner;  // the id of the container whose /dev/shm it has, where X is itself in another's namespace
  std::string network_of_other;  // for NetworkMode container:X: the key of X's pod
  std::string runtime;           // of --runtime: another OCI runtime than mete; empty: mete
};

// Of HostConfig; without the seccomp profile of a file, which a container's record names.
[[nodiscard]] config::SecurityContext security_of(const Json& host);

// Complete, with the command and the environment as they are: nothing in them is expanded. The error is for the client.
[[nodiscard]] Result<config::Pod> pod_of(const ContainerRecord& record, const Surrounding& around);
// With the policy that applies to it.
[[nodiscard]] Result<config::PodPlan> plan_of(const ContainerRecord& record, const Surrounding& around,
                                              const config::Surroundings& manifests);

// The id of the container whose /dev/shm this one has beside the IPC namespace: its own, another's; empty: it shares
// none.
[[nodiscard]] std::string shared_memory_owner(const ContainerRecord& record, const Surrounding& around);

// Where a named volume is.
[[nodiscard]] std::string volume_path(const std::string& volumes, const std::string& name);

}  // namespace mete::agent::docker
