// SPDX-License-Identifier: Apache-2.0
// The fields of every object of a manifest or of agent.yaml, as tables. Unknown fields, the nearest known name, wrong
// types, "not acted on" warnings and the JSON Schemas all come from these tables, so they cannot disagree. A new field
// is one row here and one line in its object's reader. Internal to config/.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace mete::config {

enum class FieldType {
  kAny,  // only the name is known; the value is not checked
  kString,
  kBool,
  kInteger,
  kIntegerOrString,
  kCpu,
  kBytes,
  kCount,
  kDuration,
  kPercent,
  kFactor,
  kStringList,
  kIntegerList,
  kStringMap,
  kObject,
  kObjectList,
  kResources,  // a mapping of resource names to quantities
};

enum class FieldUse {
  kActive,
  kInactive,   // known and checked, but not acted on yet: a warning
  kRefused,    // not acted on, and it asks for a restriction or changes what a container sees: an error
  kNoMeaning,  // known and checked; on one machine there is nothing to act on: no warning
  kIgnored,    // bookkeeping of the API server: not even checked
};

struct ObjectSpec;

struct FieldSpec {
  std::string_view name;
  FieldType type = FieldType::kAny;
  FieldUse use = FieldUse::kActive;
  bool required = false;
  const ObjectSpec* object = nullptr;                           // for kObject and kObjectList
  std::span<const std::string_view> values = {};                // for kString: the allowed values; empty: any
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  // for kInteger, kIntegerList and kCount
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::string_view doc = {};  // for the JSON Schema
  // For a field of a Pod: its value becomes part of Pod::identity_text, so that a change replaces the pod without a
  // line elsewhere. For fields that mete learned to act on after records had identity hashes.
  bool identity_by_text = false;
  // The values that ask for what mete does anyway, which need no report (kInactive, kRefused) and make no other pod
  // (identity_by_text). An empty text, list or mapping asks for nothing in every such field.
  std::span<const std::string_view> harmless = {};
  // What is below this field and is applied to what runs, as paths from it: no part of its identity_by_text.
  std::span<const std::string_view> in_place = {};
};

struct ObjectSpec {
  std::string_view name;  // unique; the definition's name in the JSON Schema
  std::span<const FieldSpec> fields;
};

extern const ObjectSpec kMetadataSpec;
extern const ObjectSpec kPodSpec;
extern const ObjectSpec kContainerSpec;
extern const ObjectSpec kVolumeSpec;
extern const ObjectSpec kClaimObjectSpec;
extern const ObjectSpec kRuntimeClassSpec;
extern const ObjectSpec kTrustBundleSpec;
extern const ObjectSpec kFieldRefSpec;
extern const ObjectSpec kResourceRefSpec;
extern const ObjectSpec kPolicySpec;
extern const ObjectSpec kConfigMapSpec;
extern const ObjectSpec kSecretSpec;
extern const ObjectSpec kAgentConfigSpec;

// Values of Policy fields, in the order of the enums in policy.h. Those of actions are in policy_actions.h.
extern const std::span<const std::string_view> kOnDriftNames;
extern const std::span<const std::string_view> kLabelOperatorNames;
// In the order of RestartPolicy and HostPathType in pod.h.
extern const std::span<const std::string_view> kRestartPolicyNames;
extern const std::span<const std::string_view> kHostPathTypeNames;
// In the order of SeccompProfile::Type in pod_spec.h.
extern const std::span<const std::string_view> kProfileNames;
// In the order of PullPolicy in volume.h.
extern const std::span<const std::string_view> kPullPolicyNames;
// In the order of DnsPolicy, GroupsPolicy, MountPropagation, RecursiveReadOnly and Protocol in pod_spec.h.
extern const std::span<const std::string_view> kDnsPolicyNames;
extern const std::span<const std::string_view> kGroupsPolicyNames;
extern const std::span<const std::string_view> kPropagationNames;
extern const std::span<const std::string_view> kRecursiveReadOnlyNames;
extern const std::span<const std::string_view> kProtocolNames;

}  // namespace mete::config
