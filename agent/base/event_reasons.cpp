// SPDX-License-Identifier: Apache-2.0
#include "agent/base/event_reasons.h"

#include <array>

namespace mete::agent {
namespace {

using Type = EventReason::Type;

// The fields of every event that comes with a forensic record (Incident::finish).
constexpr std::string_view kIncident = "rule, action, outcome, usage, limit, policy, record";

constexpr std::array kTable = std::to_array<EventReason>({
    // Pods and containers
    {Reason::kCreated, "Created", Type::kNormal, "A pod of a manifest exists now; its containers are launched next.",
     ""},
    {Reason::kStarted, "Started", Type::kNormal, "A container runs its command.", "pid, attempt"},
    {Reason::kExited, "Exited", Type::kEither,
     "A container has ended. A warning unless its exit code is 0 or it was told to end.",
     "reason, exit_code, signal, restarts"},
    {Reason::kStopping, "Stopping", Type::kNormal, "`mete stop`: the containers are told to end; the pod stays.", ""},
    {Reason::kTerminating, "Terminating", Type::kNormal, "The pod is being deleted: its containers are told to end.",
     ""},
    {Reason::kDeleted, "Deleted", Type::kNormal, "Nothing of the pod is left.", ""},
    {Reason::kCreateFailed, "CreateFailed", Type::kWarning,
     "A pod could not be made. mete tries again every 2 s and reports once.", ""},
    {Reason::kImageNotFound, "ImageNotFound", Type::kWarning,
     "A container waits: its image is not in the store, and no registry can be asked. It starts when the image is "
     "imported.",
     ""},
    {Reason::kPulling, "Pulling", Type::kNormal, "A registry is asked for an image.", ""},
    {Reason::kPulled, "Pulled", Type::kNormal, "An image came from a registry.", ""},
    {Reason::kErrImagePull, "ErrImagePull", Type::kWarning, "A container waits: the registry did not give its image.",
     ""},
    {Reason::kImagePullBackOff, "ImagePullBackOff", Type::kWarning,
     "A container waits: its image is asked for again, 10 s after the first failure and at most 5 minutes after later "
     "ones.",
     ""},
    {Reason::kErrImageNeverPull, "ErrImageNeverPull", Type::kWarning,
     "A container waits: its image is not in the store, and imagePullPolicy is Never.", ""},
    {Reason::kCreateContainerError, "CreateContainerError", Type::kWarning,
     "A container could not be launched. mete tries again every 10 s.", ""},
    {Reason::kUnhealthy, "Unhealthy", Type::kWarning,
     "A probe of a container failed. Equal failures in a row are reported once, and after 25 of them one in 5 minutes.",
     ""},
    {Reason::kProbeWarning, "ProbeWarning", Type::kWarning,
     "A probe succeeded, but was redirected to another host, which was not asked.", ""},
    {Reason::kKilling, "Killing", Type::kNormal,
     "A liveness or startup probe has failed too often: the container is ended within the grace period. Or a restart "
     "rule has ended all containers of the pod, which begin anew.",
     ""},
    {Reason::kFailedPostStartHook, "FailedPostStartHook", Type::kWarning,
     "A postStart hook failed; its container is ended.", ""},
    {Reason::kCreateContainerConfigError, "CreateContainerConfigError", Type::kWarning,
     "A container waits for a ConfigMap, a Secret or a key in one that its environment names, or may not run as root.",
     ""},
    {Reason::kFailedMount, "FailedMount", Type::kWarning,
     "A pod waits for a volume: a ConfigMap, a Secret, a key in one, a ClusterTrustBundle, a disk that is not "
     "attached, "
     "a server that does not answer. What is mounted is tried again after a second, then after twice the time, at most "
     "2 minutes.",
     ""},
    {Reason::kFailedScheduling, "FailedScheduling", Type::kWarning,
     "A pod waits for devices of this machine: there are none of the kind, or others have them.", ""},
    {Reason::kAppArmor, "AppArmor", Type::kWarning,
     "A pod asks for an AppArmor profile that this kernel cannot enforce, or that is not loaded. It is looked at again "
     "every 10 s.",
     ""},
    {Reason::kDeviceSpecFailed, "DeviceSpecFailed", Type::kWarning,
     "A specification of the Container Device Interface cannot be used; its devices are nobody's. Told once.", ""},
    {Reason::kFilesExchanged, "FilesExchanged", Type::kNormal,
     "The files of volumes were exchanged, because a ConfigMap or a Secret has changed. Environments stay until their "
     "containers start again.",
     "volumes"},
    {Reason::kEvicted, "Evicted", Type::kWarning, "A pod was ended because it used more storage on disk than it may.",
     ""},
    {Reason::kFailedPreStopHook, "FailedPreStopHook", Type::kWarning,
     "A preStop hook failed or took longer than the grace period; the container is ended all the same.", ""},
    {Reason::kDeadlineExceeded, "DeadlineExceeded", Type::kWarning,
     "The pod has existed for its activeDeadlineSeconds: its containers are ended, and it has failed.", ""},
    {Reason::kKillFailed, "KillFailed", Type::kWarning, "The kernel refused to kill a container's processes.", ""},
    {Reason::kCleanUpFailed, "CleanUpFailed", Type::kWarning,
     "Something of a deleted pod could not be removed. mete tries again.", ""},
    {Reason::kSandboxFailed, "SandboxFailed", Type::kWarning,
     "The process that holds the pod's shared namespaces could not be started. mete tries again.", ""},
    {Reason::kSandboxLost, "SandboxLost", Type::kWarning,
     "That process has ended; the pod's containers are restarted in a new one.", ""},
    {Reason::kNetworkFailed, "NetworkFailed", Type::kWarning, "The pod's network could not be made. mete tries again.",
     ""},
    {Reason::kNoNetwork, "NoNetwork", Type::kWarning,
     "This machine or the agent's rights allow no bridge: pods start without a network. With `network: {default: "
     "bridge}` in agent.yaml they wait instead.",
     ""},
    {Reason::kServiceFailed, "ServiceFailed", Type::kWarning,
     "A Service, or a port of it, is left out: its address or its port of this machine is somebody else's, or its "
     "rules "
     "could not be made. Reported once, until it is another fault.",
     "service"},
    {Reason::kNetworkThrottled, "NetworkThrottled", Type::kNormal,
     "A pod sends or receives as fast as its limit of bandwidth allows, and packets wait. Told once for each "
     "direction.",
     ""},
    {Reason::kNetworkDrift, "NetworkDrift", Type::kWarning,
     "Somebody has changed or flushed the rules of mete's networks, or a bridge; all of them are put back.", "found"},
    {Reason::kOverlayLost, "OverlayLost", Type::kWarning,
     "etcd does not answer. Pods of networks over several machines go on as they are; new ones wait.", ""},
    {Reason::kOverlayFound, "OverlayFound", Type::kNormal,
     "etcd answers, and what this machine has in networks over several machines is in it.", ""},
    {Reason::kOverlayConflict, "OverlayConflict", Type::kWarning,
     "An address or a network of this machine is another one's in etcd, which has it after a long silence of this one. "
     "The "
     "pods are not reached from other machines until they are started again.",
     ""},
    {Reason::kOverlayUnreached, "OverlayUnreached", Type::kWarning,
     "Another machine has pods in an encrypted network, and no key, or one that a third machine has, too: its pods are "
     "not reached, and nothing is sent to them in plain text.",
     "network, machine"},
    {Reason::kShimStuck, "ShimStuck", Type::kWarning,
     "A shim of an earlier agent neither started its container nor failed within 30 s; it is killed.", ""},
    {Reason::kExitNotSaved, "ExitNotSaved", Type::kWarning,
     "A container has ended, and its exit status cannot be written: the disk is full, as a rule.", ""},
    {Reason::kOrphan, "Orphan", Type::kWarning,
     "At its start the agent found a cgroup below its parent that belongs to no recorded pod, and removes it.", ""},
    {Reason::kRecordUnreadable, "RecordUnreadable", Type::kWarning,
     "At its start the agent could not read a pod's record.", ""},
    {Reason::kRecordNotSaved, "RecordNotSaved", Type::kWarning,
     "A pod's record could not be written. Reported once, until a write succeeds.", ""},
    // Workloads
    {Reason::kScalingReplicaSet, "ScalingReplicaSet", Type::kNormal,
     "A Deployment gives one of its ReplicaSets more pods, or fewer.", "object"},
    {Reason::kFailedCreate, "FailedCreate", Type::kWarning,
     "A workload could not make a pod. mete tries again every 2 s and reports once.", "object"},
    {Reason::kProgressDeadlineExceeded, "ProgressDeadlineExceeded", Type::kWarning,
     "A rollout has made no progress for progressDeadlineSeconds. It goes on.", "object"},
    {Reason::kJobCompleted, "JobCompleted", Type::kNormal, "A Job has all its completions.", "object"},
    {Reason::kJobFailed, "JobFailed", Type::kWarning, "A Job has failed for good; its message says why.", "object"},
    {Reason::kJobCreated, "JobCreated", Type::kNormal, "A CronJob was due and has made a Job.", "object"},
    {Reason::kJobImmutable, "JobImmutable", Type::kWarning,
     "The template of a Job has changed in its manifest. The Job goes on with the one that it began with.", "object"},
    {Reason::kMissSchedule, "MissSchedule", Type::kWarning,
     "A CronJob was due longer ago than startingDeadlineSeconds, and makes no Job for that.", "object"},
    {Reason::kJobAlreadyActive, "JobAlreadyActive", Type::kNormal,
     "A CronJob with concurrencyPolicy Forbid is due while a Job of it goes on.", "object"},
    {Reason::kUnknownTimeZone, "UnknownTimeZone", Type::kWarning,
     "A CronJob's time zone is not in /usr/share/zoneinfo: it makes no Jobs.", "object"},
    // Manifests
    {Reason::kManifestError, "ManifestError", Type::kWarning,
     "A manifest is wrong, with file, line and field. Its last good version stays in force.", ""},
    {Reason::kManifestWarning, "ManifestWarning", Type::kNormal,
     "A manifest asks for something that mete does not act on.", ""},
    {Reason::kManifestUnreadable, "ManifestUnreadable", Type::kWarning, "A manifest file could not be read.", ""},
    {Reason::kManifestsUnreadable, "ManifestsUnreadable", Type::kWarning, "A folder of manifests could not be read.",
     ""},
    {Reason::kManifestEmpty, "ManifestEmpty", Type::kWarning,
     "A manifest file holds no object any more. What it held stays until the file is removed or names other objects.",
     ""},
    // Limits and policies
    {Reason::kLimitFailed, "LimitFailed", Type::kWarning,
     "The kernel refused a limit of something that runs. The other limits are written.", ""},
    {Reason::kNotEnforced, "NotEnforced", Type::kWarning,
     "The machine has no means for one field of a manifest, a policy or agent.yaml; the rest is enforced.", ""},
    {Reason::kLimitDrift, "LimitDrift", Type::kWarning,
     "Another program wrote into a control file that mete manages; it is put back, or left, as the policy's `drift` "
     "says.",
     "file, found, expected"},
    {Reason::kResized, "Resized", Type::kNormal, "The resources of a running container were changed in place.",
     "change"},
    {Reason::kResizeWaits, "ResizeWaits", Type::kNormal,
     "New resources have to wait, because more memory is in use than they allow.", ""},
    {Reason::kResizeRefused, "ResizeRefused", Type::kWarning,
     "New resources cannot be given to what runs. They count from the container's next start, or not at all (`mete "
     "update`).",
     ""},
    {Reason::kPolicyChanged, "PolicyChanged", Type::kNormal,
     "A changed policy is applied to the running containers of a pod.", ""},
    {Reason::kPolicyMatchesNothing, "PolicyMatchesNothing", Type::kWarning, "A policy selects no pod and no cgroup.",
     ""},
    {Reason::kPidsLimit, "PidsLimit", Type::kWarning,
     "Forks were refused: the container, or a cgroup above it (limit_of), has as many processes and threads as it may. "
     "At most every 10 s. For a cgroup above pods it names no pod from kernel 6.11 on (v2), which does not say who "
     "forked.",
     "file, times, total, limit, limit_of"},
    {Reason::kSwapLimit, "SwapLimit", Type::kWarning,
     "A container was refused swap beyond its share (v2). At most every 10 s.", "file, times, total"},
    {Reason::kSwapFull, "SwapFull", Type::kWarning,
     "A container was refused swap because the machine has none left (v2). At most every 10 s.", "file, times, total"},
    // Memory
    {Reason::kOOMKilled, "OOMKilled", Type::kWarning,
     "The kernel killed a process because memory ran out in a container, or in a cgroup that a policy holds.",
     "rule, action, outcome, usage, limit, limit_of, policy, record, pid, command, scope, kills"},
    {Reason::kForeignOOMKilled, "ForeignOOMKilled", Type::kWarning,
     "The kernel killed a process of a cgroup of others that no policy holds.",
     "rule, cgroup, scope, pid, command, anon_rss, record"},
    {Reason::kOOMWithoutVictim, "OOMWithoutVictim", Type::kWarning,
     "A container, or a cgroup that a policy holds, is out of memory, and the kernel finds no process in it that it "
     "may "
     "kill (an oom_score_adj of -1000). Reported once for each time that this begins.",
     "rule, action, outcome, usage, limit, policy, record, scope, times, seconds"},
    {Reason::kNearOOM, "NearOOM", Type::kWarning,
     "At the present rate the memory of a container is full within seconds. Page cache does not count.",
     "usage, limit, bytes_per_second, seconds"},
    {Reason::kPolicyAction, "PolicyAction", Type::kEither,
     "A rule of a policy fired: signal, exec, reclaim, thaw. A warning when the action failed.",
     "rule, action, outcome, usage, limit, policy; for exec: command, exit_code"},
    {Reason::kPolicyKill, "PolicyKill", Type::kWarning, "A rule of a policy killed a process or a container.",
     "rule, action, outcome, usage, limit, policy, record, pid, command"},
    {Reason::kPolicyRestart, "PolicyRestart", Type::kWarning, "A rule of a policy restarts a container.", kIncident},
    {Reason::kKillGuarded, "KillGuarded", Type::kWarning,
     "A policy would have killed or restarted, but has done so as often as its guard allows.", kIncident},
    {Reason::kLimitRaised, "LimitRaised", Type::kWarning, "A policy raised the memory limit of a container.",
     "rule, action, outcome, usage, limit, policy, record, from, to"},
    {Reason::kLimitNotRaised, "LimitNotRaised", Type::kWarning,
     "A policy could not raise a memory limit: it is at its `max`, or the machine has no memory for it.",
     "rule, action, outcome, usage, limit, policy, record, from, to"},
    {Reason::kLimitLowered, "LimitLowered", Type::kNormal,
     "The policy that had raised a memory limit is gone; the limit is the manifest's again.", ""},
    {Reason::kFrozen, "Frozen", Type::kWarning,
     "A rule of a policy froze a container; after its timeout `then` is done.", kIncident},
    {Reason::kOOMHeld, "OOMHeld", Type::kWarning, "A container is out of memory, and `onOOM: hold` blocks it.",
     kIncident},
    {Reason::kReleased, "Released", Type::kNormal,
     "A container that was held, frozen or slowed down at a memory.high runs again: memory was freed, or another "
     "program "
     "has thawed it.",
     "rule"},
    {Reason::kHoldEnded, "HoldEnded", Type::kWarning,
     "Neither hold, raise nor a kill was possible: the kernel's OOM killer decides for a minute.", ""},
    {Reason::kThawFailed, "ThawFailed", Type::kWarning, "A frozen container could not be thawed.", ""},
    {Reason::kPressureNotified, "PressureNotified", Type::kEither,
     "A container was notified of memory pressure (`memory.notify`). Reported for the first notice of a series.",
     "action, outcome, usage"},
    {Reason::kStuckAtHigh, "StuckAtHigh", Type::kWarning,
     "All tasks of a cgroup waited at a `memory.high` that another program had set; mete lifts it (v2).", kIncident},
    {Reason::kMachineOutOfMemory, "MachineOutOfMemory", Type::kWarning,
     "The machine runs out of memory (agent.yaml, `machine.oom`): a container is ended, or there is none that may be.",
     kIncident},
    // CPU
    {Reason::kCpuBoosted, "CpuBoosted", Type::kEither,
     "A throttled container is lent idle CPU: its quota is larger now.", "quota, own, outcome, policy"},
    {Reason::kCpuBoostEnded, "CpuBoostEnded", Type::kEither, "A container has its own quota again.",
     "quota, own, outcome, policy"},
    {Reason::kCpuSuppressed, "CpuSuppressed", Type::kNormal,
     "The machine is loaded: a pod that asks for no CPU is held to a quota.", "cores"},
    {Reason::kCpuSuppressEnded, "CpuSuppressEnded", Type::kNormal,
     "A pod that asks for no CPU may use the CPU again as it likes.", "cores"},
    {Reason::kCpusAssigned, "CpusAssigned", Type::kNormal, "A container has CPUs to itself (`cpu.exclusive`).", "cpus"},
    // Cgroups of others
    {Reason::kRestored, "Restored", Type::kNormal,
     "A control file of a cgroup of others, or of the machine, holds again what it held before mete changed it.",
     "file, text, cgroup"},
    {Reason::kNotRestored, "NotRestored", Type::kNormal,
     "A control file was written by its owner since; the owner's value stays.", "file, cgroup"},
    {Reason::kRestoreFailed, "RestoreFailed", Type::kWarning, "A control file could not be put back; mete tries again.",
     ""},
    {Reason::kPolicyConflict, "PolicyConflict", Type::kWarning,
     "Two policies of equal weight match a cgroup; neither applies.", ""},
    {Reason::kPolicyRefused, "PolicyRefused", Type::kWarning,
     "A policy matches a cgroup in which the agent itself runs or keeps its pods; it is left alone.", ""},
    // Alerts
    {Reason::kAlertFiring, "AlertFiring", Type::kWarning, "The conditions of an alert held for as long as it waits.",
     "alert, severity"},
    {Reason::kAlertResolved, "AlertResolved", Type::kNormal, "The conditions of an alert do not hold any more.",
     "alert"},
    {Reason::kAlertsNotSent, "AlertsNotSent", Type::kWarning,
     "A receiver does not take alerts; mete tries again, and reports once.", "receiver"},
    {Reason::kAlertsSentAgain, "AlertsSentAgain", Type::kNormal, "That receiver takes alerts again.", "receiver"},
    {Reason::kAlertsNotEvaluated, "AlertsNotEvaluated", Type::kWarning,
     "An expression of the table could not be evaluated; reported once.", ""},
    // The agent
    {Reason::kWebConfigChanged, "WebConfigChanged", Type::kNormal,
     "The web configuration was read anew and is in force.", ""},
    {Reason::kWebConfigRefused, "WebConfigRefused", Type::kWarning,
     "The web configuration has an error; what was in force stays.", ""},
    {Reason::kNoKernelLog, "NoKernelLog", Type::kWarning,
     "/dev/kmsg cannot be read: the victim of an OOM kill can only be guessed.", ""},
    {Reason::kNoDiscovery, "NoDiscovery", Type::kWarning, "Cgroups of others cannot be found, and are not measured.",
     ""},
    {Reason::kImagesNotWatched, "ImagesNotWatched", Type::kWarning,
     "The image store cannot be watched: layers that nothing uses stay until the next start.", ""},
    {Reason::kLayersNotRemoved, "LayersNotRemoved", Type::kWarning,
     "Layers of images that nothing uses any more could not be removed.", ""},
    {Reason::kStoragePoolLow, "StoragePoolLow", Type::kWarning,
     "Of the thin pool that containers write to, data or metadata are used to nine tenths.", ""},
    {Reason::kStoragePoolFull, "StoragePoolFull", Type::kWarning,
     "The thin pool takes no writes: it is full, or has a fault. No container starts until it has room.", ""},
    {Reason::kStoragePoolHasRoom, "StoragePoolHasRoom", Type::kNormal,
     "The thin pool takes writes, and is used to less than nine tenths again.", ""},
    {Reason::kUsageUnreadable, "UsageUnreadable", Type::kWarning,
     "What was measured for `mete advise` could not be read; it is measured anew.", ""},
    {Reason::kUsageNotSaved, "UsageNotSaved", Type::kWarning,
     "What is measured for `mete advise` could not be written.", ""},
});

consteval bool is_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].reason != static_cast<Reason>(i) || kTable[i].name.empty()) return false;
  }
  return kTable.size() == kReasons;
}
static_assert(is_in_order(), "one row for each enumerator, in their order");

struct Section {
  std::string_view title;
  Reason first;
};
constexpr std::array kSections = std::to_array<Section>({
    {"Pods and containers", Reason::kCreated},
    {"Workloads", Reason::kScalingReplicaSet},
    {"Manifests", Reason::kManifestError},
    {"Limits and policies", Reason::kLimitFailed},
    {"Memory", Reason::kOOMKilled},
    {"CPU", Reason::kCpuBoosted},
    {"Cgroups of others", Reason::kRestored},
    {"Alerts", Reason::kAlertFiring},
    {"The agent", Reason::kWebConfigChanged},
});

constexpr std::string_view kIntroduction = R"(# Events

Made from the code by a test (tests/agent/event_reasons_test.cpp), which also finds a reason that is not listed here.

An event is something that happened, and why. The same event is a line of `mete events`, a line of the agent's log, and a
JSON object of `GET /mete/v1/events`:

| key | meaning |
| --- | --- |
| `sequence` | a number that grows by one with each event, from 1 at the agent's start |
| `time` | UTC |
| `type` | `Normal` or `Warning` |
| `reason` | one of the words below. A reason is never renamed |
| `pod` | `NAMESPACE/NAME`; empty when the event is about no pod |
| `container` | empty when the event is about the whole pod |
| `message` | a sentence for a person |
| `fields` | the numbers behind the message, as texts; those that do not apply are absent |

Events about a cgroup of others have the field `cgroup`. The last 2,000 events are in the agent's memory.

`outcome` is `done`, `failed`, `dry-run` or `guarded`. `record` is the id of a forensic record: `mete oom show ID`.
)";

std::string_view type_text(Type type) {
  switch (type) {
    case Type::kNormal:
      return "Normal";
    case Type::kWarning:
      return "Warning";
    case Type::kEither:
      return "either";
  }
  return "";
}

// "a, b; for exec: c" -> "`a`, `b`; for exec: `c`"
std::string quoted_names(std::string_view names) {
  std::string out;
  while (!names.empty()) {
    const auto end = names.find_first_of(",;");
    std::string_view part = names.substr(0, end);
    if (const auto colon = part.find(": "); colon != std::string_view::npos) {
      out.append(part.substr(0, colon + 2));
      part.remove_prefix(colon + 2);
    }
    if (part.starts_with(' ')) {
      out += ' ';
      part.remove_prefix(1);
    }
    out.append("`").append(part).append("`");
    if (end == std::string_view::npos) break;
    out += names[end];
    names.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::span<const EventReason> event_reasons() {
  return kTable;
}

std::string name_of(Reason reason) {
  return std::string(kTable.at(static_cast<std::size_t>(reason)).name);
}

std::string event_reasons_page() {
  std::string page(kIntroduction);
  for (const auto& row : kTable) {
    for (const auto& section : kSections) {
      if (section.first != row.reason) continue;
      page.append("\n## ")
          .append(section.title)
          .append("\n\n| reason | type | meaning | fields |\n| --- | --- | --- | --- |\n");
    }
    page.append("| `").append(row.name).append("` | ").append(type_text(row.type)).append(" | ");
    page.append(row.meaning).append(row.fields.empty() ? " | " : " | " + quoted_names(row.fields) + " ").append("|\n");
  }
  return page;
}

}  // namespace mete::agent
