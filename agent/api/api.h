// SPDX-License-Identifier: Apache-2.0
// The agent's HTTP API. Every client of the TCP address may read metrics and health; pods are read and changed over the
// unix socket only.
//
//   GET  /metrics /metrics/cadvisor /sd /healthz /readyz /version
//   GET  /api/v1/alerts                       Prometheus' answer, when the agent evaluates alerts itself
//   GET  /mete/v1/pods/NS/NAME/explain        GET /mete/v1/explain?cgroup=PATH
//   GET  /mete/v1/pods[/NS/NAME]              POST /mete/v1/apply[?dry-run=1][&prune=SELECTOR]  (manifest text)
//   POST /mete/v1/delete[?grace=S]  (manifest text; or ?pod=NS/NAME)
//   POST /mete/v1/pods/NS/NAME/stop|start|kill[?grace=S][?signal=S&container=C]
//   POST /mete/v1/pods/NS/NAME/update[?container=C][&cpus=][&memory=][&cpu-request=][&memory-request=][&reset=1]
//                                    [&network-opt=KEY=VALUE,...]
//   /mete/v1/objects, /mete/v1/workloads: workload_api.h
//   GET  /mete/v1/networks                    POST /mete/v1/networks/create|remove?name=N, /mete/v1/networks/prune
//   POST /mete/v1/networks/connect|disconnect?name=N&pod=NS/NAME[&ip=ADDRESS]
//   GET  /mete/v1/usage                       the usage models, one JSON object a line
//   GET  /mete/v1/stats                       raw counters of every cgroup of the machine
//   GET  /mete/v1/events[?follow=1]           one JSON object a line
#pragma once

#include <functional>
#include <memory>

#include "agent/alerts/alerts.h"
#include "agent/api/workload_api.h"
#include "agent/base/services.h"
#include "agent/export/exporter.h"
#include "agent/export/usage_models.h"
#include "agent/foreign/foreign_enforcement.h"
#include "agent/http/http_server.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/reconciler.h"
#include "agent/workloads/workloads.h"

namespace mete::agent {

// What the API shows and changes.
struct ApiParts {
  Services& services;
  Manifests& manifests;
  Reconciler& reconciler;
  Workloads& workloads;
  const ServiceKeeper& service_objects;
  const ForeignEnforcement& foreign;
  Exporter& exporter;
  const UsageModels& usage_models;
  const Alerts* alerts;  // null: the agent evaluates none
};

class Api {
 public:
  explicit Api(const ApiParts& parts)
      : services_(parts.services),
        manifests_(parts.manifests),
        reconciler_(parts.reconciler),
        workloads_(parts.workloads),
        foreign_(parts.foreign),
        exporter_(parts.exporter),
        usage_models_(parts.usage_models),
        alerts_(parts.alerts),
        workload_api_(parts.manifests, parts.reconciler, parts.workloads, parts.service_objects) {}

  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  void set_ready() { ready_ = true; }
  // What else a pod may be called: `name` is a word without a namespace. Empty: nothing.
  void also_called(std::function<std::string(const std::string& word)> key_of) { key_of_ = std::move(key_of); }

 private:
  [[nodiscard]] Pod* find(const std::string& key) const;
  HttpResponse route(const HttpRequest& request);
  HttpResponse route_local(const HttpRequest& request);
  HttpResponse alerts();
  HttpResponse pods();
  HttpResponse explain(const std::string& key);
  HttpResponse explain_cgroup(const std::string& path);
  HttpResponse pod(const std::string& key);
  HttpResponse act(const std::string& key, const std::string& action, const HttpRequest& request);
  HttpResponse update(Pod& pod, const HttpRequest& request);
  HttpResponse apply(const HttpRequest& request);
  [[nodiscard]] Status check_workloads(const std::vector<AppliedObject>& objects) const;
  [[nodiscard]] std::vector<std::string> taken_back_by(const AppliedObject& object) const;
  HttpResponse remove(const HttpRequest& request);
  HttpResponse remove_pod(const std::string& key, const HttpRequest& request);
  void events(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);

  Services& services_;
  Manifests& manifests_;
  Reconciler& reconciler_;
  Workloads& workloads_;
  const ForeignEnforcement& foreign_;
  Exporter& exporter_;
  const UsageModels& usage_models_;
  const Alerts* alerts_;  // null: the agent evaluates none
  WorkloadApi workload_api_;
  std::function<std::string(const std::string& word)> key_of_;
  bool ready_ = false;
};

}  // namespace mete::agent
