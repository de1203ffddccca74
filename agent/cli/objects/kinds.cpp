// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/kinds.h"

#include <algorithm>
#include <array>
#include <map>

#include "agent/cli/output/table.h"
#include "config/model/selector_text.h"

namespace mete::agent::cli {
namespace {

constexpr auto kKinds = std::to_array<KindName>({
    {"pods", "pod", "po", "Pod", ""},
    {"deployments", "deployment", "deploy", "Deployment", ".apps"},
    {"replicasets", "replicaset", "rs", "ReplicaSet", ".apps"},
    {"statefulsets", "statefulset", "sts", "StatefulSet", ".apps"},
    {"daemonsets", "daemonset", "ds", "DaemonSet", ".apps"},
    {"jobs", "job", "job", "Job", ".batch"},
    {"cronjobs", "cronjob", "cj", "CronJob", ".batch"},
    {"services", "service", "svc", "Service", ""},
    {"endpoints", "endpoints", "ep", "Endpoints", ""},
    {"networkpolicies", "networkpolicy", "netpol", "NetworkPolicy", ".networking.k8s.io"},
    {"replicationcontrollers", "replicationcontroller", "rc", "ReplicationController", ""},
});

}  // namespace

const Json* member_at(const Json& object, std::initializer_list<const char*> path) {
  const Json* here = &object;
  for (const char* name : path) {
    if (!here->is_object() || !here->contains(name)) return nullptr;
    here = &here->at(name);
  }
  return here;
}

const KindName* kind_named(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto& kind : kKinds) {
    const bool same = lower == kind.plural || lower == kind.singular || lower == kind.brief ||
                      lower == std::string(kind.singular) + std::string(kind.group) ||
                      lower == std::string(kind.plural) + std::string(kind.group);
    if (same) return &kind;
  }
  return nullptr;
}

const KindName* kind_of(const Json& object) {
  return kind_named(text_at(object, {"kind"}));
}

std::string kind_names() {
  std::string text;
  for (const auto& kind : kKinds) text += (text.empty() ? "" : ", ") + std::string(kind.plural);
  return text;
}

std::string full_object_name(const KindName& kind, const std::string& name) {
  return std::string(kind.singular) + std::string(kind.group) + "/" + name;
}

std::string text_at(const Json& object, std::initializer_list<const char*> path) {
  const Json* const value = member_at(object, path);
  return value != nullptr && value->is_string() ? printable(value->get<std::string>()) : std::string();
}

const Json& list_at(const Json& object, std::initializer_list<const char*> path) {
  static const Json kNone = Json::array();
  const Json* const list = member_at(object, path);
  return list != nullptr && list->is_array() ? *list : kNone;
}

std::int64_t number_at(const Json& object, std::initializer_list<const char*> path, std::int64_t fallback) {
  const Json* const value = member_at(object, path);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : fallback;
}

Status check_selector(const std::string& selector) {
  if (selector.empty()) return {};
  METE_CHECK(config::parse_selector(selector));
  return {};
}

Result<bool> selected(const Json& object, const std::string& selector) {
  if (selector.empty()) return true;
  METE_TRY(const config::Selector wanted, config::parse_selector(selector));
  std::map<std::string, std::string> labels;
  if (const Json* const own = member_at(object, {"metadata", "labels"}); own != nullptr && own->is_object()) {
    for (const auto& [key, value] : own->items()) {
      if (value.is_string()) labels[key] = value.get<std::string>();
    }
  }
  return config::matches(wanted, labels);
}

}  // namespace mete::agent::cli
