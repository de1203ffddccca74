// SPDX-License-Identifier: Apache-2.0
// Tables of the objects that a Pod may contain beside containers and volumes. Internal to config/.
#pragma once

#include "config/reading/fields.h"

namespace mete::config {

extern const ObjectSpec kPodBodySpec;  // spec of a Pod
extern const ObjectSpec kLabelExpressionSpec;
extern const ObjectSpec kProbeSpec;
extern const ObjectSpec kResourcesSpec;  // of a container, and of a pod
extern const ObjectSpec kLifecycleSpec;
extern const ObjectSpec kRestartRuleSpec;
extern const ObjectSpec kPortSpec;
extern const ObjectSpec kTolerationSpec;
extern const ObjectSpec kGateSpec;
extern const ObjectSpec kHostAliasSpec;
extern const ObjectSpec kDnsConfigSpec;
extern const ObjectSpec kAffinitySpec;
extern const ObjectSpec kTopologySpreadSpec;
extern const ObjectSpec kReferenceSpec;
extern const ObjectSpec kSeccompSpec;
extern const ObjectSpec kAppArmorSpec;
extern const ObjectSpec kSeLinuxSpec;
extern const ObjectSpec kSysctlSpec;

}  // namespace mete::config
