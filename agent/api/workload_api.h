// SPDX-License-Identifier: Apache-2.0
// The part of the API that shows and changes workloads, and shows pods and Services as Kubernetes' API does.
//
//   GET  /mete/v1/objects/KINDS[?namespace=NS][&name=NAME]        KINDS: pods,deployments,services,...; an API list
//   GET  /mete/v1/objects/revisions?kind=K&namespace=NS&name=N    of a Deployment, StatefulSet or DaemonSet
//   POST /mete/v1/workloads/KIND/NS/NAME/scale?replicas=N
//   POST /mete/v1/workloads/KIND/NS/NAME/pause|resume|restart|undo[?revision=N]
//   POST /mete/v1/workloads/KIND/NS/NAME/delete[?grace=S]         KIND: services, too
#pragma once

#include <optional>
#include <string>

#include "agent/http/http_types.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/reconciler.h"
#include "agent/services/service_keeper.h"
#include "agent/workloads/workloads.h"

namespace mete::agent {

class WorkloadApi {
 public:
  WorkloadApi(Manifests& manifests, Reconciler& reconciler, Workloads& workloads, const ServiceKeeper& services)
      : manifests_(manifests), reconciler_(reconciler), workloads_(workloads), services_(services) {}

  // Empty: the path is none of these.
  [[nodiscard]] std::optional<HttpResponse> route(const HttpRequest& request);

 private:
  HttpResponse objects(const std::string& kinds, const HttpRequest& request);
  HttpResponse revisions(const HttpRequest& request);
  HttpResponse act(WorkloadObject& object, const std::string& action, const HttpRequest& request);
  HttpResponse remove_manifest(const std::string& kind, const std::string& space, const std::string& name);
  HttpResponse remove(WorkloadObject& object, const HttpRequest& request);
  [[nodiscard]] std::string spec_text(const Pod& pod) const;

  Manifests& manifests_;
  Reconciler& reconciler_;
  Workloads& workloads_;
  const ServiceKeeper& services_;
};

}  // namespace mete::agent
