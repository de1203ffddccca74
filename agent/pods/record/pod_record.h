// SPDX-License-Identifier: Apache-2.0
// The record of a pod, from which the next agent goes on after a crash: STATE/pods/UID/record.json. It is written
// before the thing that it records is made, so that everything that exists is found again, and finished or undone.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/base/box.h"
#include "config/base/result.h"
#include "config/model/bandwidth.h"
#include "config/model/pod_spec.h"
#include "enforcers/resize.h"
#include "enforcers/restart.h"
#include "runtime/cgroup/memory/oom_kills.h"
#include "runtime/file.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

using enforcers::WallTime;

enum class ContainerState : std::uint8_t {
  kWaiting,   // not started yet, or to be started again at next_start
  kStarting,  // its shim has been or is about to be started
  kRunning,
  kExited,  // ended, and stays so
};

struct ContainerRecord {
  std::string name;
  bool init = false;
  bool sidecar = false;  // an init container that goes on: started and not waited for
  ContainerState state = ContainerState::kWaiting;
  std::string reason;          // "Completed", "Error", "OOMKilled", "StartError", "CrashLoopBackOff", ...
  std::string waiting_reason;  // why it could not be launched: "ImageNotFound", "CreateContainerError"; empty otherwise
  std::string message;         // for a person: why it did not start
  std::string last_message;    // what it said of its last end (termination_message.h)
  // Of the present attempt, while it runs.
  bool post_started = false;          // its postStart hook has ended, or it has none
  bool started = false;               // and its startup probe has succeeded, or it has none
  bool ready = false;                 // and its readiness probe says so, or it has none
  std::uint32_t attempt = 0;          // number of the last attempt; its files are in directory NAME/ATTEMPT
  std::uint32_t restarts = 0;         // attempts that followed an end
  std::uint32_t restarts_in_row = 0;  // of these by the restart policy, since a person has started it
  bool has_ended = false;             // the exit_* fields hold the last attempt that ended
  bool fresh = false;  // not started since the pod began anew, or the machine: its ends before that do not count
  int exit_code = 0;
  int exit_signal = 0;
  WallTime started_at{};
  WallTime last_started_at{};  // of the attempt that has ended, once another one was begun
  WallTime finished_at{};
  std::chrono::nanoseconds backoff{0};     // before the last restart
  WallTime next_start{};                   // while waiting for a restart
  runtime::process::ProcessId process;     // the container's first process, while it runs
  std::uint64_t cgroup_id = 0;             // 0: its counters are in `base`, there is no cgroup to be read
  std::uint64_t oom_kills = 0;             // told, of this cgroup and those that are gone
  runtime::cgroup::OomCounters oom_known;  // of the present cgroup: kills up to these are told
  bool oom_known_lost = false;             // not saved: the record is of 0.1.0, which kept other numbers
  std::map<std::string, std::uint64_t>
      oom_kills_by_scope;          // of all, those not by its own limit: "nested", "pod", "ancestor", "host"
  bool oom_in_attempt = false;     // the kernel has killed in the present attempt, not for a limit of a group inside
  std::uint64_t policy_kills = 0;  // for want of memory, by a policy and not by the kernel
  bool killed_by_policy = false;   // in the present attempt
  std::int64_t raised_memory =
      0;  // bytes: the limit that a policy has raised it to, for the present attempt; 0: it has not
  std::optional<config::Resources> resources;  // in force; may be older than the manifest's; empty: none recorded
  std::string limits_written;        // a digest of its limits as they were last written: others are no drift, but were
                                     // changed while no agent ran
  enforcers::ResourceUpdate update;  // by `mete update`, over the manifest's
  bool restart_wanted =
      false;               // a policy ends the present attempt: another one follows, whatever the pod's restart policy
  std::string end_reason;  // why it ends, when a policy ends it
  std::optional<std::chrono::seconds> end_within;  // a probe or a hook ends the present attempt, with this grace
  bool unwell = false;                             // a probe: another attempt follows unless the policy is Never
  bool has_post_start = false;                     // of the manifest: containers after it wait for the hook
  std::optional<config::RestartPolicy> restart;    // of the manifest: its own, in place of the pod's
  Box<config::HookAction> pre_stop;                // of the manifest, which may be gone when it is needed
  std::vector<unsigned> cores;                     // CPUs that it has to itself
  std::vector<std::string> devices;                // that it was given (device_book.h): "vendor.com/class=name"
  std::vector<std::string> layers;  // of the image that the present attempt was made from: not to be removed
  std::string base_sample;          // counters of the cgroups that are gone (collectors::to_text)
  std::string last_sample;          // of the present cgroup at the last exit, should it vanish (a reboot)
  bool operator==(const ContainerRecord&) const = default;
};

inline constexpr const char* kDockerWorkload = "Docker";  // PodWorkload::kind of a docker client's container
// Annotations of such a pod: the key of the pod, a space, and the id of the container whose PID or IPC namespace it is
// in. Without a key: there is no such container any more.
inline constexpr const char* kPidOf = "docker.mete/pid";
inline constexpr const char* kIpcOf = "docker.mete/ipc";
// The name of the volume that is /dev/shm of a container whose IPC namespace others may share.
inline constexpr const char* kSharedMemoryVolume = "shared-memory";

// Of a pod that a workload has made (agent/workloads): whose it is, and which of its pods.
struct PodWorkload {
  std::string kind;  // "ReplicaSet"; empty: the pod is a manifest's
  std::string name;
  std::string uid;
  std::string revision;  // of the template that it was made from; empty: the workload has only one
  int index = -1;        // ordinal in a StatefulSet, completion index in a Job; -1: none
  bool operator==(const PodWorkload&) const = default;
};

// Whether something holds, and since when; `since` is WallTime() until it was looked at.
struct Condition {
  bool holds = false;
  WallTime since{};
  bool operator==(const Condition&) const = default;
};

// Why nothing of a pod is started. It is looked at again when what it waits for may have changed.
struct PodHold {
  std::string reason;   // "Unschedulable", "AppArmor"; empty: nothing holds it back
  std::string message;  // for a person
  bool operator==(const PodHold&) const = default;
};
inline constexpr const char* kUnschedulable = "Unschedulable";  // as a scheduler says it: no kubelet would have seen it

struct PodRecord {
  std::string uid;
  std::string namespace_;
  std::string name;
  std::string source;          // the manifest's file
  std::string hash;            // of the PodPlan it was made from
  std::string resources;       // hash of the manifest's resources that were last taken up
  std::string limits_written;  // as a container's, of the pod's own
  bool pids_limited = false;   // its own cgroup was given a limit on processes
  std::string boot_id;         // of the boot in which its processes were started
  WallTime created{};
  std::chrono::seconds grace{30};
  bool terminating = false;  // being deleted: finish that
  WallTime deleted{};        // when that was asked for; WallTime(): it was not, or by an agent that did not note it
  bool stopped = false;      // by `mete stop`: do not start again
  std::string reason;    // why it fails as a whole, and is not started again: "DeadlineExceeded"; empty: it does not
  std::string message;   // the same for a person
  bool gated = false;    // of the manifest: a scheduling gate holds it back
  WallTime scheduled{};  // when the last gate went, or it got its devices; WallTime(): it never waited for that
  Rare<PodHold> hold;
  Condition restarting;   // all containers are killed, to begin anew; WallTime(): they never were
  Condition initialized;  // pod_status.h
  Condition ready;
  config::Bandwidth bandwidth;         // by `mete update`, over the manifest's
  std::optional<std::uint32_t> users;  // the first of its own ids (user_ranges.h), with hostUsers: false
  std::string cgroup_parent;  // between the agent's cgroup and its own, "team/web" (cgroup_parents.h); empty: nothing
  runtime::process::ProcessId sandbox;
  Rare<PodWorkload> workload;
  std::vector<ContainerRecord> containers;  // init containers first
  bool operator==(const PodRecord&) const = default;

  [[nodiscard]] std::string key() const { return namespace_ + "/" + name; }
  [[nodiscard]] bool is_unscheduled() const { return gated || hold->reason == kUnschedulable; }
  [[nodiscard]] bool is_child() const { return !workload->kind.empty(); }
};

[[nodiscard]] std::string to_json(const PodRecord& record);
[[nodiscard]] Result<PodRecord> parse_record(const std::string& json);

// `durable` also against a power failure: for counters and exit codes. What only describes live processes need not be.
[[nodiscard]] Status save(const PodRecord& record, const std::string& path, runtime::Durability durability);

[[nodiscard]] const char* to_string(ContainerState state);  // "waiting", "starting", "running", "exited"

// Why a container does not run: its waiting_reason, CrashLoopBackOff while it waits for its next start, or the reason
// of its last end. Empty while it runs. Every place that shows a reason asks here.
[[nodiscard]] std::string shown_reason(const ContainerRecord& record);

}  // namespace mete::agent
