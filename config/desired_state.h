// SPDX-License-Identifier: Apache-2.0
// The manifests of all files together: what should run on this machine. Cross-checks what one file cannot know
// (names used twice, ConfigMaps that are nowhere, which Policy applies) and resolves every reference to plain values,
// so that whoever starts a container needs nothing but its PodPlan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.h"

namespace mete::config {

struct EnvValue {
  std::string name;
  std::string value;
  bool operator==(const EnvValue&) const = default;
};

// What a container is started with, all $(VAR) expanded. `command` and `args` empty = the image's, as in Container.
struct ContainerPlan {
  std::string name;
  std::vector<EnvValue> env;
  std::vector<std::string> command;
  std::vector<std::string> args;
  bool operator==(const ContainerPlan&) const = default;
};

struct VolumeFile {
  std::string path;  // relative to the volume's root
  std::string content;
  std::uint32_t mode = kDefaultFileMode;
  bool operator==(const VolumeFile&) const = default;
};

// The files of a ConfigMap or Secret volume. An optional one whose object is missing has none.
struct VolumeFiles {
  std::string volume;
  bool secret = false;  // keep in memory (tmpfs), never on disk
  std::vector<VolumeFile> files;
  bool operator==(const VolumeFiles&) const = default;
};

struct PodPlan {
  Pod pod;
  std::optional<Policy> policy;                // the one that applies
  std::vector<ContainerPlan> init_containers;  // same order as in pod.spec
  std::vector<ContainerPlan> containers;
  std::vector<VolumeFiles> volume_files;
  bool operator==(const PodPlan&) const = default;
};

// A Pod that was understood but cannot run as the manifests stand.
struct RejectedPod {
  Pod pod;
  std::vector<Diagnostic> errors;
};

struct DesiredState {
  std::vector<PodPlan> pods;          // sorted by namespace and name
  std::vector<RejectedPod> rejected;  // one wrong Pod does not stop the others
  std::vector<Policy> policies;       // all that are valid; those that select cgroups apply to no Pod
  std::vector<Diagnostic> errors;     // everything wrong, those of `rejected` included, in the order of the files
  std::vector<Diagnostic> warnings;

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

// Puts the documents of several files together. Pure. The errors of the documents come along.
[[nodiscard]] DesiredState assemble(const std::vector<Documents>& files);

// Name and value of a Pod's field for `fieldRef`: metadata.name, .namespace, .uid, .labels['x'], .annotations['x'].
// Empty when there is no such field; a label that is not set is "".
[[nodiscard]] std::optional<std::string> pod_field(const Pod& pod, std::string_view path);

}  // namespace mete::config
