// SPDX-License-Identifier: Apache-2.0
// Turns views of objects whose shape was checked into structs. Reports what the shape cannot show: names, paths, limits
// below requests, duplicates. Internal to config/.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/model/objects.h"
#include "config/model/pod_spec.h"
#include "config/model/policy.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

// `object` is the whole object, because generateName makes a name from its content.
[[nodiscard]] ObjectMeta read_metadata(const View& object);
[[nodiscard]] std::string object_name(const View& object);  // empty: none
[[nodiscard]] std::map<std::string, std::string> read_labels(const View& view);
[[nodiscard]] std::map<std::string, std::string> read_annotations(const View& view);
// matchLabels and matchExpressions.
[[nodiscard]] Selector read_label_selector(const View& view);
[[nodiscard]] Pod read_pod(const View& view);
// The spec of a Pod into `pod`. `claims`: names that volumeMounts may use beside those of spec.volumes; each is a
// volume with a claim of that name.
void read_pod_spec(const View& spec, const std::vector<std::string>& claims, Pod& pod);
// The annotations of a pod, or of a template of pods, that limit its bandwidth.
void check_bandwidth(const View& annotations, bool host_network);
// A Policy's `network`.
[[nodiscard]] Bandwidth read_bandwidth(const View& view);
[[nodiscard]] Policy read_policy(const View& view);
[[nodiscard]] ConfigMap read_config_map(const View& view);
[[nodiscard]] Secret read_secret(const View& view);
[[nodiscard]] RuntimeClass read_runtime_class(const View& view);
[[nodiscard]] ClusterTrustBundle read_trust_bundle(const View& view);
// A volume's reference to such.
[[nodiscard]] TrustBundleSource read_trust_source(const View& view);

[[nodiscard]] Container read_container(const View& view);
void read_care(const View& view, Container& to);  // probes, hooks, stop signal, restart rules; reads its env
// Of an init container that is no sidecar: it has neither probes nor hooks.
void check_no_care(const View& view);
[[nodiscard]] std::vector<EnvVar> read_env(const View& view);
[[nodiscard]] ResourceFieldRef read_resource_ref(const View& view);
[[nodiscard]] std::vector<EnvFrom> read_env_from(const View& view);
[[nodiscard]] Resources read_resources(const View& view);
[[nodiscard]] SecurityContext read_security(const View& view);
[[nodiscard]] std::vector<Volume> read_volumes(const View& view);
[[nodiscard]] std::optional<SeccompProfile> read_seccomp(const View& view);
// The page size of a volume that leaves it to the limits of the containers (check_huge_pages).
inline constexpr const char* kAnyHugePage = "?";
[[nodiscard]] std::optional<AppArmorProfile> read_app_armor(const View& view);
// The annotations of a pod, or of a template of pods, for containers without the field.
void take_app_armor_annotations(const View& annotations, PodSpec& spec);
void check_image_name(const View& view);
// The pod's own `resources`, after its containers have been read: both are compared.
void read_pod_resources(const View& view, PodSpec& spec);

[[nodiscard]] std::optional<std::uint32_t> read_id(const View& view);

// Reports `view` when `seen` already contains its text ("container `web` stands twice").
void check_unique(const View& view, std::string_view what, std::set<std::string>& seen);

// The enumerator whose position is that of the text in `names`; `fallback` when the text is missing or unknown.
template <class Enum>
Enum read_enum(const View& view, std::span<const std::string_view> names, Enum fallback) {
  const std::string text = view.text();
  for (std::size_t i = 0; view && i < names.size(); ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return fallback;
}

}  // namespace mete::config
