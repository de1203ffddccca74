// SPDX-License-Identifier: Apache-2.0
// The manifests of all files together: what should run on this machine. Checks what one file alone cannot show (names
// used twice, missing ConfigMaps, which Policy applies) and resolves every reference to a plain value, so that starting
// a container needs nothing but its PodPlan.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/box.h"
#include "config/base/result.h"
#include "config/model/documents.h"

namespace mete::config {

struct EnvValue {
  std::string name;
  std::string value;
  bool operator==(const EnvValue&) const = default;
};

// The environment and command of a container, all $(VAR) expanded; runtime_values.h says what stays open. Empty
// `command` and `args` mean the image's, as in Container.
struct ContainerPlan {
  std::string name;
  std::vector<EnvValue> env;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::vector<std::string> sub_paths;  // of each volumeMount, in order; subPathExpr expanded
  std::string missing;                 // a reference of the environment to nothing, in the kubelet's words; empty: none
  bool operator==(const ContainerPlan&) const = default;
};

struct VolumeFile {
  std::string path;  // relative to the volume's root
  std::string content;
  std::uint32_t mode = kDefaultFileMode;
  bool has_marks = false;  // runtime_values.h; all other content is opaque bytes
  bool operator==(const VolumeFile&) const = default;
};

// The files of a volume that the agent writes: configMap, secret, downwardAPI, projected. None when the volume is
// optional and its object is missing. The files are kept in memory (tmpfs), never on disk.
struct VolumeFiles {
  std::string volume;
  bool secret = false;  // of a Secret
  std::vector<VolumeFile> files;
  std::string missing;  // a reference to nothing, in the kubelet's words; empty: none
  bool operator==(const VolumeFiles&) const = default;
};

// What of a plan comes from elsewhere, with the name of each source in place of its value.
struct NamedReferences {
  std::vector<ContainerPlan> init_containers;
  std::vector<ContainerPlan> containers;
  std::vector<VolumeFiles> volume_files;
  bool operator==(const NamedReferences&) const = default;
};

struct PodPlan {
  Pod pod;
  std::string runtime;                         // the handler that makes its containers; empty: mete itself
  Box<Policy> policy;                          // the one that applies
  std::vector<ContainerPlan> init_containers;  // same order as in pod.spec
  std::vector<ContainerPlan> containers;
  std::vector<VolumeFiles> volume_files;
  std::vector<std::string> pull_logins;  // of imagePullSecrets, each in the form of docker's config.json
  // Does not change when a ConfigMap or a Secret does. Empty: the plan names none, and is the same itself.
  Box<NamedReferences> by_name;
  // The same, with the names of the Pod's labels and annotations in place of their values, too: they change while it
  // runs. Empty: nothing of the plan comes from them.
  Box<NamedReferences> lasting;
  bool operator==(const PodPlan&) const = default;
};

// The manifests, and the pod that runs by them, hold one plan together.
using SharedPlan = std::shared_ptr<const PodPlan>;

// A valid Pod that cannot run with the present manifests.
struct RejectedPod {
  Pod pod;
  std::vector<Diagnostic> errors;
};

// What a Pod's references and policies are looked up in. By "namespace/name".
struct Surroundings {
  std::map<std::string, ConfigMap> config_maps;
  std::map<std::string, Secret> secrets;
  std::map<std::string, Policy> policies;
  std::map<std::string, RuntimeClass> runtime_classes;      // by name alone
  std::map<std::string, ClusterTrustBundle> trust_bundles;  // the same
};

struct DesiredState {
  std::vector<SharedPlan> pods;     // sorted by namespace and name
  std::vector<Workload> workloads;  // each name of a kind once
  std::vector<Service> services;    // each name once
  std::vector<TrafficPolicy> traffic_policies;
  std::vector<RejectedPod> rejected;  // an error in one Pod does not stop the others
  std::vector<Policy> policies;       // all valid ones; a Policy that selects cgroups applies to no Pod
  std::vector<Diagnostic> errors;     // all errors, also those in `rejected`, in the order of the files
  std::vector<Diagnostic> warnings;
  std::shared_ptr<const Surroundings> surroundings;  // for the pods that workloads make

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

// The plan of one Pod, or what stands in its way. `warnings` gets what the pod waits for. Pure.
[[nodiscard]] tl::expected<PodPlan, std::vector<Diagnostic>> plan_pod(const Pod& pod, const Surroundings& around,
                                                                      std::vector<Diagnostic>* warnings = nullptr);

// What the pods of a workload would wait for, and what keeps them from being made, as warnings about its template:
// Kubernetes takes such a workload, too. Pure; costs as much as plan_pod().
[[nodiscard]] std::vector<Diagnostic> template_warnings(const Workload& workload, const Surroundings& around);

// Combines the documents of several files, with their errors and, for a person who reads them, the warnings of all
// templates. Pure.
[[nodiscard]] DesiredState assemble(const std::vector<Documents>& files);
// A file of which some Pods are known by the plans that an earlier call made of them, and are not in `documents` as
// well. Both outlive the call.
struct KnownFile {
  const Documents* documents = nullptr;
  const std::vector<SharedPlan>* planned = nullptr;
};
// Without the warnings of templates.
[[nodiscard]] DesiredState assemble(const std::vector<KnownFile>& files);

}  // namespace mete::config
