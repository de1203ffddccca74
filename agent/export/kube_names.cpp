// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace mete::agent {
namespace {

using collectors::FamilyWriter;
using collectors::LabelBlock;
using nlohmann::ordered_json;

// Word of agent.yaml, kind, and the label of the object's own name.
struct Resource {
  std::string_view word;
  std::string_view kind;
  std::string_view own_label;
  KubeFamily labels;
  KubeFamily annotations;
};

constexpr auto kNamesType = collectors::MetricType::kGauge;
constexpr std::string_view kLabelsHelp = "1, with those labels of the object that agent.yaml allows.";
constexpr std::string_view kAnnotationsHelp = "1, with those annotations of the object that agent.yaml allows.";

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): names of families are literals that outlive every writer.
#define METE_NAMED(word, kind, own, family, more)                                                                \
  {                                                                                                              \
    word, kind, own, {"kube_" family "_labels", kNamesType, kLabelsHelp, "namespace," own more ",label_NAME"}, { \
      "kube_" family "_annotations", kNamesType, kAnnotationsHelp, "namespace," own more ",annotation_NAME"      \
    }                                                                                                            \
  }

constexpr std::array<Resource, config::kKubeResources.size()> kResources = {{
    METE_NAMED("pods", "Pod", "pod", "pod", ",uid"),
    METE_NAMED("services", "Service", "service", "service", ""),
    METE_NAMED("endpoints", "Endpoints", "endpoint", "endpoint", ""),
    METE_NAMED("endpointslices", "EndpointSlice", "endpointslice", "endpointslice", ""),
    METE_NAMED("networkpolicies", "NetworkPolicy", "networkpolicy", "networkpolicy", ""),
    METE_NAMED("deployments", "Deployment", "deployment", "deployment", ""),
    METE_NAMED("replicasets", "ReplicaSet", "replicaset", "replicaset", ""),
    METE_NAMED("daemonsets", "DaemonSet", "daemonset", "daemonset", ""),
    METE_NAMED("statefulsets", "StatefulSet", "statefulset", "statefulset", ""),
    METE_NAMED("jobs", "Job", "job_name", "job", ""),
    METE_NAMED("cronjobs", "CronJob", "cronjob", "cronjob", ""),
}};

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// "app.kubernetes.io/partOf" is "app_kubernetes_io_part_of".
std::string metric_name(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool fits = (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9');
    const char before = i == 0 ? '_' : name[i - 1];
    const bool begins_word = is_upper(c) && ((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9'));
    if (begins_word) out += '_';
    out += fits ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '_';
  }
  return out;
}

std::map<std::string, std::string> texts_in(const ordered_json& object, const char* name) {
  std::map<std::string, std::string> texts;
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->contains(name)) return texts;
  for (const auto& [key, value] : metadata->at(name).items()) {
    if (value.is_string()) texts[key] = value.get<std::string>();
  }
  return texts;
}

std::string word_in(const ordered_json& object, const char* name) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() && metadata->contains(name) && metadata->at(name).is_string()
             ? metadata->at(name).get<std::string>()
             : std::string();
}

using Names = std::map<std::string, std::vector<std::string>>;

}  // namespace

std::span<const KubeFamily> kube_name_families() {
  static const auto kAll = [] {
    std::array<KubeFamily, 2 * kResources.size()> families{};
    for (std::size_t i = 0; i < kResources.size(); ++i) {
      families.at(2 * i) = kResources.at(i).labels;
      families.at(2 * i + 1) = kResources.at(i).annotations;
    }
    return families;
  }();
  return kAll;
}

std::vector<std::pair<std::string, std::string>> prometheus_labels(const std::string& prefix,
                                                                   const std::map<std::string, std::string>& of_object,
                                                                   const std::vector<std::string>& allowed) {
  const bool all = !allowed.empty() && allowed.front() == "*";
  std::vector<std::pair<std::string, std::string>> labels;
  std::map<std::string, std::vector<std::size_t>> places;  // of labels, by the name that they became
  for (const auto& [name, value] : of_object) {
    if (!all && std::find(allowed.begin(), allowed.end(), name) == allowed.end()) continue;
    const std::string label = prefix + "_" + metric_name(name);
    places[label].push_back(labels.size());
    labels.emplace_back(label, value);
  }
  for (const auto& [label, same] : places) {
    for (std::size_t i = 0; same.size() > 1 && i < same.size(); ++i)
      labels[same[i]].first += "_conflict" + std::to_string(i + 1);
  }
  return labels;
}

void write_kube_names(std::string& out, const std::vector<const std::vector<ordered_json>*>& objects,
                      const config::ExportPolicy& policy, collectors::Format format) {
  const auto write = [&](const Resource& resource, const KubeFamily& family, const char* what, const Names& allowed) {
    const auto names = allowed.find(std::string(resource.word));
    if (names == allowed.end() || names->second.empty()) return;
    FamilyWriter writer(out, family.name, family.help, family.type, format);
    const std::string prefix = std::string(what).substr(0, std::string_view(what).size() - 1);
    for (const auto* list : objects) {
      for (const auto& object : *list) {
        if (object.value("kind", "") != resource.kind) continue;
        LabelBlock labels;
        labels.add("namespace", word_in(object, "namespace"));
        labels.add(resource.own_label, word_in(object, "name"));
        if (resource.kind == "Pod") labels.add("uid", word_in(object, "uid"));
        for (const auto& [name, value] : prometheus_labels(prefix, texts_in(object, what), names->second))
          labels.add(name, value);
        writer.add(labels, std::uint64_t{1});
      }
    }
  };
  for (const auto& resource : kResources) {
    write(resource, resource.annotations, "annotations", policy.kube_annotations);
    write(resource, resource.labels, "labels", policy.kube_labels);
  }
}

}  // namespace mete::agent
