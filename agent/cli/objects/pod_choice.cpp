// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/pod_choice.h"

#include <algorithm>

namespace mete::agent::cli {
namespace {

// What both orders look at. Times are RFC 3339 in UTC, which are in order as texts.
struct Standing {
  bool scheduled = false;
  int phase = 0;  // 0 Running and what has ended, 1 Unknown, 2 Pending
  bool ready = false;
  std::string ready_since;  // empty: never
  std::int64_t restarts = 0;
  std::string created;
};

Standing standing_of(const Json& pod) {
  Standing own;
  own.scheduled = !text_at(pod, {"spec", "nodeName"}).empty();
  const std::string phase = text_at(pod, {"status", "phase"});
  own.phase = phase == "Pending" ? 2 : phase == "Unknown" ? 1 : 0;
  for (const auto& each : list_at(pod, {"status", "conditions"})) {
    if (text_at(each, {"type"}) != "Ready" || text_at(each, {"status"}) != "True") continue;
    own.ready = true;
    own.ready_since = text_at(each, {"lastTransitionTime"});
  }
  for (const auto& each : list_at(pod, {"status", "containerStatuses"}))
    own.restarts = std::max(own.restarts, number_at(each, {"restartCount"}));
  own.created = text_at(pod, {"metadata", "creationTimestamp"});
  return own;
}

// Whether `a` is to be preferred to `b`. A container that has been started often is the one whose log is wanted, and
// not the one in which a command should run.
bool is_better(const Standing& a, const Standing& b, PodUse use) {
  if (a.scheduled != b.scheduled) return a.scheduled;
  if (a.phase != b.phase) return a.phase < b.phase;
  if (a.ready != b.ready) return a.ready;
  if (a.ready_since != b.ready_since) {
    if (a.ready_since.empty() || b.ready_since.empty()) return !a.ready_since.empty();
    return a.ready_since < b.ready_since;
  }
  if (a.restarts != b.restarts) return (a.restarts > b.restarts) == (use == PodUse::kLogs);
  return a.created < b.created;
}

}  // namespace

std::string pod_selector_of(const Json& object) {
  const Json* selector = member_at(object, {"spec", "selector"});
  // Of a ReplicationController that says none: Kubernetes' default.
  if (selector == nullptr) selector = member_at(object, {"spec", "template", "metadata", "labels"});
  if (selector == nullptr || !selector->is_object()) return {};
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ",") + part; };
  const bool structured = selector->contains("matchLabels") || selector->contains("matchExpressions");
  const Json* const labels = structured ? member_at(*selector, {"matchLabels"}) : selector;
  if (labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      if (value.is_string()) add(key + "=" + value.get<std::string>());
    }
  }
  for (const auto& each : list_at(*selector, {"matchExpressions"})) {
    const std::string key = text_at(each, {"key"});
    const std::string how = text_at(each, {"operator"});
    if (how == "Exists") add(key);
    if (how == "DoesNotExist") add("!" + key);
    if (how != "In" && how != "NotIn") continue;
    std::string values;
    for (const auto& value : list_at(each, {"values"}))
      values += (values.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : std::string());
    add(key + (how == "In" ? " in (" : " notin (") + values + ")");
  }
  return text;
}

const Json* best_pod(const std::vector<Json>& pods, PodUse use) {
  const auto best = std::min_element(pods.begin(), pods.end(), [use](const Json& a, const Json& b) {
    return is_better(standing_of(a), standing_of(b), use);
  });
  return best == pods.end() ? nullptr : &*best;
}

}  // namespace mete::agent::cli
