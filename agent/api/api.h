// SPDX-License-Identifier: Apache-2.0
// The agent's HTTP API. Every client of the TCP address may read metrics and health; pods are read and changed over the
// unix socket only.
//
//   GET  /metrics /metrics/cadvisor /sd /healthz /readyz /version
//   GET  /mete/v1/pods/NS/NAME/explain        GET /mete/v1/explain?cgroup=PATH
//   GET  /mete/v1/pods[/NS/NAME]              POST /mete/v1/apply[?dry-run=1]      (manifest text)
//   POST /mete/v1/delete[?grace=S]  (manifest text; or ?pod=NS/NAME)
//   POST /mete/v1/pods/NS/NAME/stop|start|kill[?grace=S][?signal=S&container=C]
//   POST /mete/v1/pods/NS/NAME/update[?container=C][&cpus=][&memory=][&cpu-request=][&memory-request=][&reset=1]
//   GET  /mete/v1/networks                    POST /mete/v1/networks/create|remove?name=N (create: body "LABEL=VALUE" a
//   line) POST /mete/v1/networks/prune GET  /mete/v1/usage                       the usage models, one JSON object a
//   line GET  /mete/v1/stats                       raw counters of every cgroup of the machine GET
//   /mete/v1/events[?follow=1]           one JSON object a line
#pragma once

#include <memory>

#include "agent/base/services.h"
#include "agent/export/exporter.h"
#include "agent/export/usage_models.h"
#include "agent/foreign/foreign_enforcement.h"
#include "agent/http/http_server.h"
#include "agent/pods/manifests.h"
#include "agent/pods/reconciler.h"

namespace mete::agent {

class Api {
 public:
  Api(Services& services, Manifests& manifests, Reconciler& reconciler, const ForeignEnforcement& foreign,
      Exporter& exporter, const UsageModels& usage_models)
      : services_(services),
        manifests_(manifests),
        reconciler_(reconciler),
        foreign_(foreign),
        exporter_(exporter),
        usage_models_(usage_models) {}

  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  void set_ready() { ready_ = true; }

 private:
  HttpResponse route(const HttpRequest& request);
  HttpResponse route_local(const HttpRequest& request);
  HttpResponse pods();
  HttpResponse explain(const std::string& key);
  HttpResponse explain_cgroup(const std::string& path);
  HttpResponse pod(const std::string& key);
  HttpResponse act(const std::string& key, const std::string& action, const HttpRequest& request);
  HttpResponse update(Pod& pod, const HttpRequest& request);
  HttpResponse apply(const HttpRequest& request);
  HttpResponse remove(const HttpRequest& request);
  HttpResponse remove_pod(const std::string& key, const HttpRequest& request);
  void events(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);

  Services& services_;
  Manifests& manifests_;
  Reconciler& reconciler_;
  const ForeignEnforcement& foreign_;
  Exporter& exporter_;
  const UsageModels& usage_models_;
  bool ready_ = false;
};

}  // namespace mete::agent
