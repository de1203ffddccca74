// SPDX-License-Identifier: Apache-2.0
#include "agent/api/api.h"

#include <unistd.h>

#include <csignal>

#include "agent/api/explain.h"
#include "agent/api/network_api.h"
#include "agent/api/replies.h"
#include "agent/http/http_sd.h"
#include "agent/pods/record/pod_json.h"
#include "config/model/bandwidth.h"
#include "config/values/resource_amounts.h"
#include "runtime/process/signals.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

std::string machine_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

// "ingress=10M,egress=2M".
Result<config::Bandwidth> bandwidth_in(const HttpRequest& request) {
  config::Bandwidth bandwidth;
  std::string words = request.parameter("network-opt");
  while (!words.empty()) {
    const auto comma = words.find(',');
    if (auto set = config::set_bandwidth(bandwidth, words.substr(0, comma)); !set)
      return fail("network-opt: " + set.error().what);
    words.erase(0, comma == std::string::npos ? words.size() : comma + 1);
  }
  return bandwidth;
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
  if (request.path == "/api/v1/alerts") return alerts();
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
  if (auto answer = workload_api_.route(request)) return std::move(*answer);
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

HttpResponse Api::alerts() {
  if (alerts_ != nullptr) return json_response(alerts_->as_json());
  return error_response(404,
                        "This agent evaluates no alerts; it would with --alerts, or alerts.enabled in agent.yaml.");
}

HttpResponse Api::pods() {
  ordered_json list = ordered_json::array();
  for (const auto& [key, pod] : reconciler_.pods()) list.push_back(pod_status_json(*pod));
  return json_response({{"pods", std::move(list)}});
}

Pod* Api::find(const std::string& key) const {
  if (Pod* const found = reconciler_.find(key)) return found;
  constexpr std::string_view kDefault = "default/";  // what commands put before a name
  return key_of_ && key.starts_with(kDefault) ? reconciler_.find(key_of_(key.substr(kDefault.size()))) : nullptr;
}

HttpResponse Api::pod(const std::string& key) {
  Pod* const found = find(key);
  if (found == nullptr) return error_response(404, "There is no pod " + key + ".");
  return json_response(pod_status_json(*found));
}

HttpResponse Api::explain(const std::string& key) {
  Pod* const found = find(key);
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
  Pod* const found = find(key);
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
  const auto bandwidth = bandwidth_in(request);
  if (!bandwidth) return error_response(400, bandwidth.error().what);
  if (!reset && update.empty() && bandwidth->empty())
    return error_response(400,
                          "update: found nothing to change, expected cpus, memory, cpu-request, memory-request, "
                          "network-opt or reset");
  if (!bandwidth->empty() || (reset && !pod.record().bandwidth.empty())) {
    if (const auto updated = pod.update_bandwidth(*bandwidth, reset); !updated)
      return error_response(409, updated.error().what);
    if (update.empty() && !reset) return json_response(pod_status_json(pod));
  }
  const auto updated = reconciler_.update(pod, container, update, reset);
  if (!updated) return error_response(409, updated.error().what);
  return json_response(pod_status_json(pod));
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
