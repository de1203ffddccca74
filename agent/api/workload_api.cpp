// SPDX-License-Identifier: Apache-2.0
#include "agent/api/workload_api.h"

#include <algorithm>
#include <array>

#include "agent/api/replies.h"
#include "agent/base/machine_facts.h"
#include "agent/services/service_json.h"
#include "agent/workloads/workload_json.h"
#include "agent/workloads/workload_text.h"

namespace mete::agent {
namespace {

using config::WorkloadKind;
using nlohmann::ordered_json;

constexpr std::int64_t kMostReplicas = 100'000;

struct Plural {
  std::string_view name;
  WorkloadKind kind;
};
constexpr std::array<Plural, 7> kPlurals = {{{"deployments", WorkloadKind::kDeployment},
                                             {"replicasets", WorkloadKind::kReplicaSet},
                                             {"statefulsets", WorkloadKind::kStatefulSet},
                                             {"daemonsets", WorkloadKind::kDaemonSet},
                                             {"jobs", WorkloadKind::kJob},
                                             {"cronjobs", WorkloadKind::kCronJob},
                                             {"replicationcontrollers", WorkloadKind::kReplicationController}}};

std::optional<WorkloadKind> kind_of(std::string_view plural) {
  const auto at =
      std::find_if(kPlurals.begin(), kPlurals.end(), [&](const Plural& each) { return each.name == plural; });
  if (at == kPlurals.end()) return std::nullopt;
  return at->kind;
}

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = text.find(separator, start)) != std::string::npos; start = end + 1)
    parts.push_back(text.substr(start, end - start));
  parts.push_back(text.substr(start));
  return parts;
}

std::string change_cause(const ordered_json& object) {
  const auto annotations = object.value("annotations", ordered_json::object());
  return annotations.value(kChangeCause, std::string());
}

}  // namespace

std::optional<HttpResponse> WorkloadApi::route(const HttpRequest& request) {
  constexpr std::string_view kObjects = "/mete/v1/objects/";
  constexpr std::string_view kWorkloads = "/mete/v1/workloads/";
  if (request.method == "GET" && request.path.starts_with(kObjects)) {
    const std::string kinds = request.path.substr(kObjects.size());
    return kinds == "revisions" ? revisions(request) : objects(kinds, request);
  }
  if (request.method != "POST" || !request.path.starts_with(kWorkloads)) return std::nullopt;
  const auto parts = parts_of(request.path.substr(kWorkloads.size()), '/');
  constexpr std::size_t kParts = 4;
  if (parts.size() != kParts) return std::nullopt;
  if (parts[3] == "delete" && (parts[0] == "services" || parts[0] == "networkpolicies"))
    return remove_manifest(parts[0] == "services" ? "Service" : "NetworkPolicy", parts[1], parts[2]);
  const auto kind = kind_of(parts[0]);
  if (!kind) return std::nullopt;
  WorkloadObject* const object = workloads_.find(*kind, parts[1] + "/" + parts[2]);
  if (object == nullptr)
    return error_response(404, "There is no " + std::string(to_string(*kind)) + " " + parts[1] + "/" + parts[2] + ".");
  return act(*object, parts[3], request);
}

HttpResponse WorkloadApi::objects(const std::string& kinds, const HttpRequest& request) {
  const std::string space = request.parameter("namespace");
  const std::string name = request.parameter("name");
  const auto asked = [&](const std::string& of, const std::string& is) {
    return (space.empty() || space == of) && (name.empty() || name == is);
  };
  ordered_json items = ordered_json::array();
  for (const auto& plural : parts_of(kinds, ',')) {
    if (plural == "pods") {
      const auto& services = reconciler_.services();
      const auto machine = machine_facts(services.machine_memory, services.images.layers_directory(), Addresses::kAll);
      for (const auto& [key, pod] : reconciler_.pods()) {
        if (asked(pod->record().namespace_, pod->record().name))
          items.push_back(pod_object_json(*pod, spec_text(*pod), machine));
      }
      continue;
    }
    if (plural == "services" || plural == "endpoints") {
      for (const auto& [key, object] : services_.objects()) {
        if (asked(object.service.metadata.namespace_, object.service.metadata.name))
          items.push_back(plural == "services" ? service_json(object) : endpoints_json(object));
      }
      continue;
    }
    if (plural == "networkpolicies") {
      for (const auto& policy : manifests_.desired().traffic_policies) {
        if (asked(policy.metadata.namespace_, policy.metadata.name)) items.push_back(ordered_json::parse(policy.text));
      }
      continue;
    }
    const auto kind = kind_of(plural);
    if (!kind) return error_response(400, "kind: found \"" + plural + "\", expected pods, deployments, ...");
    std::map<std::string, const WorkloadObject*> sorted;
    for (const auto& [uid, object] : workloads_.objects()) {
      const auto& record = object->record;
      if (record.kind == *kind && !record.expired && asked(record.namespace_, record.name))
        sorted[record.key()] = object.get();
    }
    for (const auto& [key, object] : sorted) items.push_back(workload_json(workloads_, *object));
  }
  return json_response({{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}});
}

// Of a pod that a workload has made, its template's; of others what the manifest says.
std::string WorkloadApi::spec_text(const Pod& pod) const {
  const auto& record = pod.record();
  if (!record.is_child()) return manifests_.spec_of(record.source, record.namespace_, record.name);
  const auto at = workloads_.objects().find(record.workload->uid);
  if (at == workloads_.objects().end()) return {};
  const auto pod_template =
      ordered_json::parse(workloads_.template_of_revision(*at->second, record.workload->revision), nullptr, false);
  return pod_template.is_object() && pod_template.contains("spec") ? pod_template["spec"].dump() : std::string();
}

HttpResponse WorkloadApi::revisions(const HttpRequest& request) {
  const auto kind = kind_of(request.parameter("kind"));
  const std::string key = request.parameter("namespace") + "/" + request.parameter("name");
  const WorkloadObject* const object = kind ? workloads_.find(*kind, key) : nullptr;
  if (object == nullptr) return error_response(404, "There is no " + request.parameter("kind") + " " + key + ".");
  ordered_json items = ordered_json::array();
  for (const auto& revision : workloads_.revisions(*object)) {
    const auto pod_template = ordered_json::parse(revision.text, nullptr, false);
    items.push_back({{"revision", revision.number},
                     {"name", revision.name},
                     {"changeCause",
                      change_cause(revision.annotations.empty() ? ordered_json::object()
                                                                : ordered_json{{"annotations", revision.annotations}})},
                     {"template", pod_template}});
  }
  return json_response({{"revisions", std::move(items)}});
}

HttpResponse WorkloadApi::act(WorkloadObject& object, const std::string& action, const HttpRequest& request) {
  std::string told;
  Status done;
  if (action == "scale") {
    const auto replicas = number_of(request, "replicas", kMostReplicas);
    if (!replicas) return error_response(400, replicas.error().what);
    if (!*replicas) return error_response(400, "scale: found no number, expected replicas");
    done = workloads_.scale(object, static_cast<int>(**replicas));
    told = "scaled";
  } else if (action == "pause" || action == "resume") {
    done = workloads_.pause(object, action == "pause");
    told = action == "pause" ? "paused" : "resumed";
  } else if (action == "restart") {
    done = workloads_.restart(object);
    told = "restarted";
  } else if (action == "undo") {
    const auto revision = number_of(request, "revision", std::numeric_limits<std::int64_t>::max());
    if (!revision) return error_response(400, revision.error().what);
    auto undone = workloads_.undo(object, revision->value_or(0));
    if (!undone) return error_response(409, undone.error().what);
    told = std::move(*undone);
  } else if (action == "delete") {
    return remove(object, request);
  } else {
    return error_response(404, "There is no action " + action + ".");
  }
  if (!done) return error_response(409, done.error().what);
  return json_response({{"object", object.record.name}, {"action", told}});
}

HttpResponse WorkloadApi::remove(WorkloadObject& object, const HttpRequest& request) {
  const auto grace = grace_of(request);
  if (!grace) return error_response(400, grace.error().what);
  const auto& record = object.record;
  const std::string kind(to_string(record.kind));
  if (!record.is_owned()) {
    const AppliedObject applied{kind, record.namespace_, record.name, {}};
    if (manifests_.applied_file(applied).empty()) {
      if (!record.deleting)
        return error_response(409, kind + " " + record.key() + " comes from " + record.source + "; remove it there.");
    } else if (const auto removed = manifests_.remove({applied}); !removed) {
      return error_response(500, removed.error().what);
    }
  }
  const std::string shown = kind + " " + record.key();
  workloads_.remove(object, *grace);
  reconciler_.reconcile();
  return json_response({{"results", {{{"object", shown}, {"action", "deleted"}}}}});
}

// A Service or a NetworkPolicy.
HttpResponse WorkloadApi::remove_manifest(const std::string& kind, const std::string& space, const std::string& name) {
  const AppliedObject applied{kind, space, name, {}};
  if (!manifests_.applied_file(applied).empty()) {
    if (const auto removed = manifests_.remove({applied}); !removed) return error_response(500, removed.error().what);
    reconciler_.reconcile();
    return json_response({{"results", {{{"object", applied.shown()}, {"action", "deleted"}}}}});
  }
  const auto file_of = [&](const auto& objects) {
    const auto same = [&](const auto& each) { return each.metadata.namespace_ == space && each.metadata.name == name; };
    const auto at = std::find_if(objects.begin(), objects.end(), same);
    return at == objects.end() ? std::string() : at->location.file;
  };
  const auto& desired = manifests_.desired();
  const std::string file = kind == "Service" ? file_of(desired.services) : file_of(desired.traffic_policies);
  if (file.empty()) return error_response(404, "There is no " + applied.shown() + ".");
  return error_response(409, applied.shown() + " comes from " + file + "; remove it there.");
}

}  // namespace mete::agent
