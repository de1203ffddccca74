// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/kinds.h"

#include <algorithm>
#include <array>
#include <optional>

#include "agent/cli/output/table.h"

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

std::int64_t number_at(const Json& object, std::initializer_list<const char*> path, std::int64_t fallback) {
  const Json* const value = member_at(object, path);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : fallback;
}

Status check_selector(const std::string& selector) {
  constexpr const char* kKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  for (std::size_t start = 0; start < selector.size();) {
    const std::size_t end = std::min(selector.find(',', start), selector.size());
    const std::string part = selector.substr(start, end - start);
    start = end + 1;
    const auto equals = part.find('=');
    std::string key = part.substr(0, equals);
    if (equals == std::string::npos && key.starts_with('!')) key.erase(0, 1);
    if (equals != std::string::npos && key.ends_with('!')) key.pop_back();
    const std::size_t value =
        equals == std::string::npos ? part.size() : equals + (part.compare(equals, 2, "==") == 0 ? 2 : 1);
    // A value has no '/', but is otherwise made as a key.
    if (key.empty() || key.find_first_not_of(kKey) != std::string::npos ||
        part.find_first_not_of(kKey, value) != std::string::npos || part.find('/', value) != std::string::npos)
      return fail("selector: found \"" + part + "\", expected key=value, key!=value, key or !key");
  }
  return {};
}

Result<bool> selected(const Json& object, const std::string& selector) {
  METE_CHECK(check_selector(selector));
  const auto label = [&](const std::string& key) -> std::optional<std::string> {
    const Json* const labels = member_at(object, {"metadata", "labels"});
    if (labels == nullptr || !labels->contains(key)) return std::nullopt;
    return labels->at(key).get<std::string>();
  };
  std::size_t start = 0;
  while (start < selector.size()) {
    const std::size_t end = std::min(selector.find(',', start), selector.size());
    const std::string part = selector.substr(start, end - start);
    start = end + 1;
    const auto equals = part.find('=');
    if (equals == std::string::npos) {
      const bool absent = part.front() == '!';
      if (label(absent ? part.substr(1) : part).has_value() == absent) return false;
      continue;
    }
    const bool unequal = part[equals - 1] == '!';
    const std::string key = part.substr(0, equals - (unequal ? 1 : 0));
    const std::string value = part.substr(equals + (part.compare(equals, 2, "==") == 0 ? 2 : 1));
    if ((label(key) == value) == unequal) return false;
  }
  return true;
}

}  // namespace mete::agent::cli
