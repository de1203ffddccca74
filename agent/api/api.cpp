// SPDX-License-Identifier: Apache-2.0
#include "agent/api/api.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <set>

#include "agent/api/explain.h"
#include "agent/api/network_api.h"
#include "agent/http/http_sd.h"
#include "agent/pods/pod_json.h"
#include "config/resource_amounts.h"
#include "runtime/json.h"
#include "runtime/process/signals.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

HttpResponse json_response(const ordered_json& value, unsigned status = 200) {
  return {status, "application/json", value.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"};
}

HttpResponse error_response(unsigned status, const std::string& message) {
  return json_response({{"error", message}}, status);
}

ordered_json texts(const std::vector<config::Diagnostic>& diagnostics) {
  ordered_json list = ordered_json::array();
  for (const auto& each : diagnostics) list.push_back(config::to_string(each));
  return list;
}

// Empty: the parameter is not given. The error names the text found.
Result<std::optional<std::chrono::seconds>> grace_of(const HttpRequest& request) {
  const std::string text = request.parameter("grace");
  if (text.empty()) return {std::nullopt};
  std::int64_t seconds = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seconds);
  constexpr std::int64_t kDay = 86400;
  if (parsed.ec != std::errc() || parsed.ptr != end || seconds < 0 || seconds > kDay) {
    return fail("grace: found \"" + text + "\", expected seconds from 0 to 86400");
  }
  return {std::chrono::seconds(seconds)};
}

std::string machine_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
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

void Api::handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (request.local && request.method == "GET" && request.path == "/mete/v1/events") {
    events(request, reply);
    return;
  }
  if (request.local && request.method == "GET" && request.path == "/mete/v1/stats") {
    exporter_.stats(reply);
    return;
  }
  if (request.local && request.path.starts_with("/mete/v1/networks")) {
    handle_networks(reconciler_.networks(), request, reply);
    return;
  }
  const bool scrape = request.path == "/metrics" || request.path == "/metrics/cadvisor";
  if (scrape && (request.method == "GET" || request.method == "HEAD")) {
    services_.instruments.request(request.path, 200);
    exporter_.scrape(request, reply);
    return;
  }
  HttpResponse response = route(request);
  services_.instruments.request(request.path.starts_with("/mete/")                 ? "/mete/v1"
                                : response.status == 404 || response.status == 405 ? "other"
                                                                                   : request.path,
                                static_cast<int>(response.status));
  reply->send(std::move(response));
}

HttpResponse Api::route(const HttpRequest& request) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (request.path.starts_with("/mete/v1/")) {
    if (!request.local)
      return error_response(403,
                            "Pods are read and changed over the unix socket " + services_.settings.socket() + " only.");
    return route_local(request);
  }
  if (!reading) return {405, "text/plain; charset=utf-8", "Only GET is answered here.\n", {}, {{"Allow", "GET, HEAD"}}};
  if (request.path == "/healthz") return {200, "text/plain; charset=utf-8", "ok\n"};
  if (request.path == "/readyz")
    return {ready_ ? 200U : 503U, "text/plain; charset=utf-8", ready_ ? "ok\n" : "starting\n"};
  if (request.path == "/sd") return service_discovery(request, machine_name());
  if (request.path == "/version") return json_response({{"version", METE_VERSION}});
  if (request.path == "/") {
    return {200, "text/html; charset=utf-8",
            "<!doctype html><title>mete</title><h1>mete " METE_VERSION
            "</h1><p><a href=\"/metrics\">/metrics</a> <a href=\"/metrics/cadvisor\">/metrics/cadvisor</a> "
            "<a href=\"/sd\">/sd</a> <a href=\"/healthz\">/healthz</a> <a href=\"/readyz\">/readyz</a></p>\n"};
  }
  return {404, "text/plain; charset=utf-8",
          "Not found. There are /metrics, /metrics/cadvisor, /sd, /healthz, /readyz and /version.\n"};
}

HttpResponse Api::route_local(const HttpRequest& request) {
  const std::string path = request.path.substr(std::string_view("/mete/v1").size());
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  if (get && path == "/pods") return pods();
  if (get && path == "/explain") return explain_cgroup(request.parameter("cgroup"));
  if (get && path == "/usage") return {200, "application/x-ndjson", usage_models_.as_lines()};
  if (post && path == "/apply") return apply(request);
  if (post && path == "/delete") return remove(request);
  if (path.starts_with("/pods/")) {
    // /pods/NS/NAME[/ACTION]
    const std::string rest = path.substr(std::string_view("/pods/").size());
    const auto slash = rest.find('/');
    const auto action = slash == std::string::npos ? slash : rest.find('/', slash + 1);
    const std::string key = rest.substr(0, action);
    if (get && action == std::string::npos) return pod(key);
    if (get && rest.substr(action + 1) == "explain") return explain(key);
    if (post && action != std::string::npos) return act(key, rest.substr(action + 1), request);
  }
  return error_response(404, "There is no " + request.method + " " + request.path + ".");
}

HttpResponse Api::pods() {
  ordered_json list = ordered_json::array();
  for (const auto& [key, pod] : reconciler_.pods()) list.push_back(pod_status_json(*pod));
  return json_response({{"pods", std::move(list)}});
}

HttpResponse Api::pod(const std::string& key) {
  Pod* const found = reconciler_.find(key);
  if (found == nullptr) return error_response(404, "There is no pod " + key + ".");
  return json_response(pod_status_json(*found));
}

HttpResponse Api::explain(const std::string& key) {
  Pod* const found = reconciler_.find(key);
  if (found == nullptr) return error_response(404, "There is no pod " + key + ".");
  return json_response(explain_json(*found));
}

HttpResponse Api::explain_cgroup(const std::string& path) {
  const auto group = runtime::cgroup::Group::at(services_.hierarchies, path);
  if (!group) return error_response(400, group.error().what);
  if (!group->id_anywhere()) return error_response(404, "There is no cgroup " + path + ".");
  return json_response(explain_json(services_, *group, foreign_.policy_of(path), foreign_.changed()));
}

HttpResponse Api::act(const std::string& key, const std::string& action, const HttpRequest& request) {
  Pod* const found = reconciler_.find(key);
  if (found == nullptr) return error_response(404, "There is no pod " + key + ".");
  const auto grace = grace_of(request);
  if (!grace) return error_response(400, grace.error().what);
  if (action == "update") return update(*found, request);
  if (action == "stop") {
    found->stop(*grace);
  } else if (action == "start") {
    found->start();
  } else if (action == "kill") {
    const std::string name = request.parameter("signal");
    const auto signal = name.empty() ? std::optional(SIGKILL) : runtime::process::signal_number(name);
    if (!signal) return error_response(400, "signal: found \"" + name + "\", expected one such as TERM, SIGHUP or 9");
    const std::string container = request.parameter("container");
    if (!container.empty() && found->container(container) == nullptr)
      return error_response(404, "Pod " + key + " has no container " + container + ".");
    unsigned reached = 0;
    for (const auto& each : found->containers()) {
      if (!container.empty() && each->record().name != container) continue;
      const auto sent = each->attempt().signal(*signal);
      if (!sent && !container.empty()) return error_response(409, sent.error().what);
      reached += sent ? 1 : 0;
    }
    if (reached == 0) return error_response(409, "Pod " + key + " has no running container.");
  } else {
    return error_response(404, "There is no action " + action + ".");
  }
  return json_response({{"pod", key}, {"action", action}});
}

HttpResponse Api::update(Pod& pod, const HttpRequest& request) {
  const auto read = [&](const char* key, const auto& rule, auto& to) -> Status {
    const std::string text = request.parameter(key);
    if (text.empty()) return {};
    METE_TRY(to, config::parse_amount(text, rule));
    return {};
  };
  const std::string container = request.parameter("container");
  if (!container.empty() && pod.container(container) == nullptr)
    return error_response(404, "Pod " + pod.record().key() + " has no container " + container + ".");
  enforcers::ResourceUpdate update;
  const std::pair<const char*, Status> done[] = {
      {"cpus", read("cpus", config::kCpuLimit, update.cpu_limit)},
      {"cpu-request", read("cpu-request", config::kCpuRequest, update.cpu_request)},
      {"memory", read("memory", config::kMemoryLimit, update.memory_limit)},
      {"memory-request", read("memory-request", config::kMemoryRequest, update.memory_request)}};
  for (const auto& [key, status] : done) {
    if (!status) return error_response(400, std::string(key) + ": " + status.error().what);
  }
  const bool reset = request.parameter("reset") == "1";
  if (!reset && update.empty())
    return error_response(
        400, "update: found nothing to change, expected cpus, memory, cpu-request, memory-request or reset");
  const auto updated = reconciler_.update(pod, container, update, reset);
  if (!updated) return error_response(409, updated.error().what);
  return json_response(pod_status_json(pod));
}

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

void Api::events(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  std::string lines;
  for (const auto& event : services_.events.recent()) lines += to_json(event) + "\n";
  if (request.parameter("follow") != "1") {
    reply->send({200, "application/x-ndjson", std::move(lines)});
    return;
  }
  struct Follower {
    std::shared_ptr<HttpStream> stream;
    std::optional<EventLog::Handle> handle;
  };
  const auto follower = std::make_shared<Follower>();
  follower->stream = reply->stream("application/x-ndjson");
  follower->handle = services_.events.listen([weak = std::weak_ptr(follower)](const Event& event) {
    if (const auto alive = weak.lock(); alive && alive->stream) alive->stream->write(to_json(event) + "\n");
  });
  // The callback keeps the follower alive until the peer closes.
  follower->stream->on_close([follower, &events = services_.events, &loop = services_.loop] {
    asio::post(loop, [follower, &events] {
      if (follower->handle) events.forget(*std::exchange(follower->handle, std::nullopt));
      follower->stream.reset();
    });
  });
  follower->stream->write(lines);
}

}  // namespace mete::agent
