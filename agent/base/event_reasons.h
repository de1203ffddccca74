// SPDX-License-Identifier: Apache-2.0
// The reasons that events have: one word each, which scripts and alerts match, so none is ever renamed. One table: the
// code takes the words from here (`name_of(Reason::kOOMKilled)`), docs/events.md is made from it, and a test finds a
// reason in the code that has no row.
//
// A new reason: an enumerator, and its row in event_reasons.cpp at the same place.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mete::agent {

enum class Severity { kNormal, kWarning };

enum class Reason {
  // Pods and containers
  kCreated,
  kStarted,
  kExited,
  kStopping,
  kTerminating,
  kDeleted,
  kCreateFailed,
  kImageNotFound,
  kPulling,
  kPulled,
  kErrImagePull,
  kImagePullBackOff,
  kErrImageNeverPull,
  kCreateContainerError,
  kUnhealthy,
  kProbeWarning,
  kKilling,
  kFailedPostStartHook,
  kCreateContainerConfigError,
  kFailedMount,
  kFailedScheduling,
  kAppArmor,
  kDeviceSpecFailed,
  kFilesExchanged,
  kEvicted,
  kFailedPreStopHook,
  kDeadlineExceeded,
  kKillFailed,
  kCleanUpFailed,
  kSandboxFailed,
  kSandboxLost,
  kNetworkFailed,
  kNoNetwork,
  kServiceFailed,
  kNetworkThrottled,
  kNetworkDrift,
  kOverlayLost,
  kOverlayFound,
  kOverlayConflict,
  kOverlayUnreached,
  kShimStuck,
  kExitNotSaved,
  kOrphan,
  kRecordUnreadable,
  kRecordNotSaved,
  kScalingReplicaSet,
  kFailedCreate,
  kProgressDeadlineExceeded,
  kJobCompleted,
  kJobFailed,
  kJobCreated,
  kJobImmutable,
  kMissSchedule,
  kJobAlreadyActive,
  kUnknownTimeZone,
  // Manifests
  kManifestError,
  kManifestWarning,
  kManifestUnreadable,
  kManifestsUnreadable,
  kManifestEmpty,
  // Limits and policies
  kLimitFailed,
  kNotEnforced,
  kLimitDrift,
  kResized,
  kResizeWaits,
  kResizeRefused,
  kPolicyChanged,
  kPolicyMatchesNothing,
  kPidsLimit,
  kSwapLimit,
  kSwapFull,
  // Memory
  kOOMKilled,
  kForeignOOMKilled,
  kOOMWithoutVictim,
  kNearOOM,
  kPolicyAction,
  kPolicyKill,
  kPolicyRestart,
  kKillGuarded,
  kLimitRaised,
  kLimitNotRaised,
  kLimitLowered,
  kFrozen,
  kOOMHeld,
  kReleased,
  kHoldEnded,
  kThawFailed,
  kPressureNotified,
  kStuckAtHigh,
  kMachineOutOfMemory,
  // CPU
  kCpuBoosted,
  kCpuBoostEnded,
  kCpuSuppressed,
  kCpuSuppressEnded,
  kCpusAssigned,
  // Cgroups of others
  kRestored,
  kNotRestored,
  kRestoreFailed,
  kPolicyConflict,
  kPolicyRefused,
  // Alerts
  kAlertFiring,
  kAlertResolved,
  kAlertsNotSent,
  kAlertsSentAgain,
  kAlertsNotEvaluated,
  // The agent
  kWebConfigChanged,
  kWebConfigRefused,
  kNoKernelLog,
  kNoDiscovery,
  kImagesNotWatched,
  kLayersNotRemoved,
  kStoragePoolLow,
  kStoragePoolFull,
  kStoragePoolHasRoom,
  kUsageUnreadable,
  kUsageNotSaved,
};
inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::kUsageNotSaved) + 1;

struct EventReason {
  Reason reason;
  std::string_view name;
  enum class Type { kNormal, kWarning, kEither } type;
  std::string_view meaning;  // a sentence
  std::string_view fields;   // names of the event's fields; those that do not apply are absent
};

[[nodiscard]] std::span<const EventReason> event_reasons();  // in the order of Reason
[[nodiscard]] std::string name_of(Reason reason);            // "OOMKilled"

// docs/events.md.
[[nodiscard]] std::string event_reasons_page();

}  // namespace mete::agent
