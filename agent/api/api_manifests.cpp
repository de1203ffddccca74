// SPDX-License-Identifier: Apache-2.0
// Manifests that clients send: apply and delete.
#include <set>

#include "agent/api/api.h"
#include "agent/api/effects.h"
#include "agent/api/prune.h"
#include "agent/api/replies.h"
#include "agent/pods/device_book.h"
#include "agent/workloads/overrides.h"
#include "config/resolve/device_warnings.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

ordered_json texts(const std::vector<config::Diagnostic>& diagnostics) {
  ordered_json list = ordered_json::array();
  for (const auto& each : diagnostics) list.push_back(config::to_string(each));
  return list;
}

ordered_json effects_json(const std::vector<Effect>& all) {
  ordered_json list = ordered_json::array();
  for (const auto& each : all) list.push_back({{"pod", each.pod}, {"what", each.what}});
  return list;
}

}  // namespace

HttpResponse Api::apply(const HttpRequest& request) {
  const std::string file = request.parameter("file").empty() ? "<stdin>" : request.parameter("file");
  auto parsed = parse_manifest(request.body, file);
  ordered_json warnings = texts(parsed.warnings);
  if (!parsed.ok()) return json_response({{"errors", texts(parsed.errors)}, {"warnings", warnings}}, 422);
  if (parsed.objects.empty() && parsed.claims.empty())
    return json_response({{"errors", {"The manifest holds no object."}}}, 422);
  if (const auto allowed = check_workloads(parsed.objects); !allowed)
    return json_response({{"errors", {allowed.error().what}}, {"warnings", warnings}}, 422);
  const auto before = manifests_.desired();
  const auto after = manifests_.with(parsed.objects);
  // Errors that exist already in other files must not reject a correct manifest.
  std::set<std::string> known;
  for (const auto& error : before.errors) known.insert(config::to_string(error));
  std::vector<config::Diagnostic> fresh;
  for (const auto& error : after.errors) {
    if (!known.contains(config::to_string(error))) fresh.push_back(error);
  }
  const auto forbidden = manifests_.forbidden(parsed.objects);
  fresh.insert(fresh.end(), forbidden.begin(), forbidden.end());
  if (!fresh.empty()) return json_response({{"errors", texts(fresh)}, {"warnings", warnings}}, 422);
  const auto pruned = to_prune(manifests_, request.parameter("prune"), parsed.objects);
  if (!pruned) return json_response({{"errors", {pruned.error().what}}}, 422);
  ordered_json results = ordered_json::array();
  const bool compares = request.parameter("diff") == "1";
  for (const auto& object : parsed.objects) {
    const std::string old = manifests_.text_of(object);
    const auto taken_back = taken_back_by(object);
    results.push_back({{"object", object.shown()},
                       {"action", old.empty()                                ? "created"
                                  : old == object.text && taken_back.empty() ? "unchanged"
                                                                             : "configured"}});
    if (!taken_back.empty()) results.back()["takenBack"] = taken_back;
    if (compares) {
      results.back()["old"] = old;
      results.back()["new"] = object.text;
    }
  }
  for (const auto& claim : parsed.claims) {
    if (compares) break;  // there is nothing that could change
    results.push_back({{"object", "PersistentVolumeClaim " + config::full_name(claim)},
                       {"action", "is right: its volume is made when a pod first uses it"}});
  }
  for (const auto& object : *pruned) results.push_back({{"object", object.shown()}, {"action", "pruned"}});
  // Of what this machine lacks now, and what pods of these templates would wait for: no reader of the manifest alone
  // knows that.
  ordered_json of_machine = ordered_json::array();
  const auto devices = reconciler_.devices().devices().counts();
  for (const auto& object : parsed.objects) {
    for (auto& text : texts(config::device_warnings(object.read, devices))) of_machine.push_back(std::move(text));
    for (const auto& workload : object.read.workloads) {
      for (auto& text : texts(config::template_warnings(workload, *after.surroundings)))
        of_machine.push_back(std::move(text));
    }
  }
  if (request.parameter("dry-run") != "1") {
    if (const auto stored = manifests_.apply(parsed.objects); !stored) return error_response(500, stored.error().what);
    if (const auto removed = manifests_.remove(*pruned); !removed) return error_response(500, removed.error().what);
    std::vector<std::string> keys;
    for (const auto& object : parsed.objects) {
      if (const auto kind = config::workload_kind(object.kind)) {
        if (auto* const workload = workloads_.find(*kind, object.namespace_ + "/" + object.name))
          workloads_.forget_overrides(*workload);
      }
      if (object.kind != "Pod") continue;
      keys.push_back(object.namespace_ + "/" + object.name);
      if (Pod* const pod = reconciler_.find(keys.back())) pod->start();
    }
    reconciler_.reconcile(keys);
  }
  return json_response({{"results", std::move(results)},
                        {"effects", effects_json(effects(before, after))},
                        {"machineWarnings", std::move(of_machine)},
                        {"warnings", std::move(warnings)}});
}

// What commands have said of a workload, and its manifest takes back.
std::vector<std::string> Api::taken_back_by(const AppliedObject& object) const {
  std::vector<std::string> all;
  for (const auto& workload : object.read.workloads) {
    const auto* const there = workloads_.find(workload.kind(), config::full_name(workload.metadata));
    if (there == nullptr) continue;
    for (auto& each : apply_again(there->record.overrides, workload.text).taken_back) all.push_back(std::move(each));
  }
  return all;
}

Status Api::check_workloads(const std::vector<AppliedObject>& objects) const {
  for (const auto& object : objects) {
    for (const auto& workload : object.read.workloads) METE_CHECK(workloads_.check(workload));
  }
  return {};
}

HttpResponse Api::remove(const HttpRequest& request) {
  if (const std::string key = request.parameter("pod"); !key.empty()) return remove_pod(key, request);
  auto parsed = parse_manifest(request.body, request.parameter("file").empty() ? "<stdin>" : request.parameter("file"));
  if (!parsed.ok()) return json_response({{"errors", texts(parsed.errors)}}, 422);
  const auto grace = grace_of(request);
  if (!grace) return error_response(400, grace.error().what);
  ordered_json errors = ordered_json::array();
  ordered_json results = ordered_json::array();
  for (const auto& object : parsed.objects) {
    if (manifests_.applied_file(object).empty()) {
      errors.push_back(object.shown() + ": found nothing of that name that was applied");
    } else {
      results.push_back({{"object", object.shown()}, {"action", "deleted"}});
    }
  }
  if (results.empty()) return json_response({{"errors", std::move(errors)}}, 404);
  if (const auto removed = manifests_.remove(parsed.objects); !removed)
    return error_response(500, removed.error().what);
  for (const auto& object : parsed.objects) {
    const auto kind = config::workload_kind(object.kind);
    auto* const workload = kind ? workloads_.find(*kind, object.namespace_ + "/" + object.name) : nullptr;
    if (workload != nullptr && !workload->record.is_owned()) workloads_.remove(*workload, *grace);
    Pod* const pod = object.kind == "Pod" ? reconciler_.find(object.namespace_ + "/" + object.name) : nullptr;
    if (pod != nullptr && *grace) pod->terminate(*grace);
  }
  reconciler_.reconcile();
  return json_response({{"results", std::move(results)}, {"errors", std::move(errors)}});
}

HttpResponse Api::remove_pod(const std::string& key, const HttpRequest& request) {
  Pod* const pod = reconciler_.find(key);
  if (pod == nullptr) return error_response(404, "There is no pod " + key + ".");
  const auto grace = grace_of(request);
  if (!grace) return error_response(400, grace.error().what);
  const auto slash = key.find('/');
  const AppliedObject object{"Pod", key.substr(0, slash), key.substr(slash + 1), {}};
  if (manifests_.applied_file(object).empty()) {
    // A workload makes another one in its place.
    if (!pod->record().terminating && !pod->record().is_child()) {
      return error_response(409, "Pod " + key + " comes from " + pod->record().source + "; remove it there.");
    }
    pod->terminate(*grace);
    return json_response({{"results", {{{"object", object.shown()}, {"action", "deleted"}}}}});
  }
  if (const auto removed = manifests_.remove({object}); !removed) return error_response(500, removed.error().what);
  pod->terminate(*grace);
  reconciler_.reconcile();
  return json_response({{"results", {{{"object", object.shown()}, {"action", "deleted"}}}}});
}

}  // namespace mete::agent
