// SPDX-License-Identifier: Apache-2.0
// The requests that change manifests: apply and delete.
#include <set>

#include "agent/api/answers.h"
#include "agent/api/api.h"

namespace mete::agent {
namespace {

ordered_json texts(const std::vector<config::Diagnostic>& diagnostics) {
  ordered_json list = ordered_json::array();
  for (const auto& each : diagnostics) list.push_back(config::to_string(each));
  return list;
}

// A document that holds several objects (a List) cannot be stored as one file per object.
Status check_one_each(const std::vector<AppliedObject>& objects) {
  for (std::size_t i = 1; i < objects.size(); ++i) {
    if (objects[i].first_line == objects[i - 1].first_line) {
      return fail("line " + std::to_string(objects[i].first_line) +
                  ": found several objects in one document (kind List), expected one; write them as documents of their "
                  "own, with --- between them");
    }
  }
  return {};
}

}  // namespace

HttpResponse Api::apply(const HttpRequest& request) {
  const std::string file = request.parameter("file").empty() ? "<stdin>" : request.parameter("file");
  auto parsed = parse_manifest(request.body, file);
  ordered_json warnings = texts(parsed.warnings);
  if (!parsed.ok()) return json_response({{"errors", texts(parsed.errors)}, {"warnings", warnings}}, 422);
  if (parsed.objects.empty()) return json_response({{"errors", {"The manifest holds no object."}}}, 422);
  if (const auto single = check_one_each(parsed.objects); !single)
    return json_response({{"errors", {single.error().what}}}, 422);
  const auto before = manifests_.desired();
  const auto after = manifests_.with(parsed.objects);
  // Errors that exist already in other files must not reject a correct manifest.
  std::set<std::string> known;
  for (const auto& error : before.errors) known.insert(config::to_string(error));
  std::vector<config::Diagnostic> fresh;
  for (const auto& error : after.errors) {
    if (!known.contains(config::to_string(error))) fresh.push_back(error);
  }
  if (!fresh.empty()) return json_response({{"errors", texts(fresh)}, {"warnings", warnings}}, 422);
  ordered_json results = ordered_json::array();
  for (const auto& object : parsed.objects) {
    const std::string old = manifests_.text_of(object);
    results.push_back({{"object", object.shown()},
                       {"action", old.empty()          ? "created"
                                  : old == object.text ? "unchanged"
                                                       : "configured"}});
    if (request.parameter("diff") == "1") {
      results.back()["old"] = old;
      results.back()["new"] = object.text;
    }
  }
  if (request.parameter("dry-run") != "1") {
    if (const auto stored = manifests_.apply(parsed.objects); !stored) return error_response(500, stored.error().what);
    std::vector<std::string> keys;
    for (const auto& object : parsed.objects) {
      if (object.kind != "Pod") continue;
      keys.push_back(object.namespace_ + "/" + object.name);
      if (Pod* const pod = reconciler_.find(keys.back())) pod->start();
    }
    reconciler_.reconcile(keys);
  }
  return json_response({{"results", std::move(results)}, {"warnings", std::move(warnings)}});
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
    if (!pod->record().terminating) {
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
