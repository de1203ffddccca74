// SPDX-License-Identifier: Apache-2.0
// Which change of a manifest makes another pod of it: the pod is replaced when its identity changes. Everything else
// (policy, labels, resources, priority, probes) is applied to what runs.
//
// The hash is kept in records, and an agent that is upgraded compares the old agent's with its own. So the hash of an
// unchanged manifest must never change: a field that mete learns to act on may be added only where it is set. That is
// what FieldSpec::identity_by_text does without a line here (Pod::identity_text).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/resolve/desired_state.h"

namespace mete::agent {

// A field of a Pod, with all that is below it, that the identity leaves out, and why. Paths as in messages about
// manifests, without indices.
struct NotIdentity {
  std::string_view path;
  std::string_view why;
};

// The tests change every field that mete acts on, one by one; each must change the hash or stand here.
inline constexpr std::array kNeedNoNewPod = std::to_array<NotIdentity>({
    {"metadata.uid", "the agent names pods by uids of its own"},
    {"metadata.labels", "are those of what runs, as on a cluster"},
    {"metadata.annotations",
     "are those of what runs; mete/... and what stands for fields of the spec is the identity's"},
    {"spec.priority", "is applied to what runs"},
    {"spec.priorityClassName", "is applied to what runs"},
    {"spec.containers[].resources.limits", "is applied to what runs, as long as the QoS class stays"},
    {"spec.containers[].resources.requests", "is applied to what runs, as long as the QoS class stays"},
    {"spec.containers[].resizePolicy[]", "is asked when what a container has changes"},
    {"spec.schedulingGates[].name", "hold back a pod that has not begun yet"},
    {"spec.containers[].livenessProbe", "is asked of what runs"},
    {"spec.containers[].readinessProbe", "is asked of what runs"},
    {"spec.containers[].startupProbe", "is asked of what runs"},
    {"spec.containers[].env[].valueFrom.configMapKeyRef.optional", "says only whether the pod waits for it"},
    {"spec.containers[].env[].valueFrom.secretKeyRef.optional", "says only whether the pod waits for it"},
    {"spec.containers[].envFrom[].configMapRef.optional", "says only whether the pod waits for it"},
    {"spec.containers[].envFrom[].secretRef.optional", "says only whether the pod waits for it"},
    {"spec.volumes[].configMap.optional", "says only whether the pod waits for it"},
    {"spec.volumes[].secret.optional", "says only whether the pod waits for it"},
    {"spec.volumes[].projected.sources[].configMap.optional", "says only whether the pod waits for it"},
    {"spec.volumes[].projected.sources[].secret.optional", "says only whether the pod waits for it"},
    {"spec.volumes[].projected.sources[].serviceAccountToken.audience", "is left out"},
    {"spec.volumes[].projected.sources[].serviceAccountToken.expirationSeconds", "is left out"},
    {"spec.volumes[].projected.sources[].serviceAccountToken.path", "is left out"},
    {"spec.securityContext.fsGroupChangePolicy", "says how the volumes of a new pod are given to the group"},
    {"spec.volumes[].projected.sources[].clusterTrustBundle.optional", "says only whether the pod waits for it"},
    {"spec.imagePullSecrets[].name", "says how an image is asked for, not which"},
    {"spec.containers[].imagePullPolicy", "is asked at the next start"},
    {"spec.volumes[].image.pullPolicy", "is asked when the volume is made"},
    {"spec.containers[].terminationMessagePolicy", "is read when a container has ended"},
    {"spec.containers[].ports[].name", "names a port for hooks, probes and Services, which count with its number"},
    {"spec.containers[].ports[].containerPort", "opens nothing: a process listens where it likes"},
    {"spec.containers[].ports[].hostPort", "is published and closed while the pod runs"},
    {"spec.containers[].ports[].hostIP", "is published and closed while the pod runs"},
    {"spec.containers[].ports[].protocol", "is published and closed while the pod runs"},
});

// The hash of everything whose change needs a new pod: 16 hexadecimal digits. What ConfigMaps and Secrets hold is no
// part of it, nor are labels, and of the annotations only those that mete acts on.
[[nodiscard]] std::string identity_hash(const config::PodPlan& plan);
// Whether an agent before this one has recorded this hash for the same plan: then another label or annotation made
// another pod, and before that another value in a ConfigMap or a Secret.
[[nodiscard]] bool was_identity(const config::PodPlan& plan, const std::string& hash);
// True when all containers of two pods of one identity have the same probes, and words for a resize.
[[nodiscard]] bool same_probes(const config::PodSpec& a, const config::PodSpec& b);
// The hash of the resources of all containers, which change in place.
[[nodiscard]] std::string resources_hash(const config::PodPlan& plan);

struct PlanHashes {
  std::string identity;
  std::string resources;
  bool operator==(const PlanHashes&) const = default;
};
// Of each plan of `now`. What stands unchanged in `before` has the hashes that it had (`known`, in the order of
// `before`): a comparison costs a tenth of the JSON that a hash is made of. Both lists are sorted as
// DesiredState::pods.
[[nodiscard]] std::vector<PlanHashes> hashes_of(const std::vector<config::SharedPlan>& now,
                                                const std::vector<config::SharedPlan>& before,
                                                const std::vector<PlanHashes>& known);

}  // namespace mete::agent
