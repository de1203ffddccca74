// SPDX-License-Identifier: Apache-2.0
// Services and NetworkPolicies: what a kube-proxy, an endpoints controller and a network plugin do, for one machine. A
// look at the manifests and at all pods gives the whole plan (service_plan.h, traffic_plan.h), which Networks carries
// out as a difference; so nothing is kept that could go stale. Every change of a pod leads to one look, at the end of
// the loop's turn.
#pragma once

#include <map>
#include <string>

#include "agent/base/services.h"
#include "agent/networks/networks.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/reconciler.h"
#include "agent/services/service_plan.h"
#include "agent/services/traffic_plan.h"

namespace mete::agent {

class ServiceKeeper {
 public:
  ServiceKeeper(Services& services, Manifests& manifests, Reconciler& reconciler);

  // Reads the record of an earlier agent.
  void open();
  // At once, after the earlier agent's pods are known and before the loop runs.
  void look();
  // The manifests or a pod have changed.
  void look_soon();

  struct Object {
    config::Service service;
    ServiceLease lease;
    PlannedService plan;
  };
  // By "default/web": those that are not refused.
  [[nodiscard]] const std::map<std::string, Object>& objects() const { return objects_; }
  [[nodiscard]] const std::vector<config::TrafficPolicy>& traffic_policies() const {
    return manifests_.desired().traffic_policies;
  }

 private:
  // By network; of the machine's own in the default one.
  using Backends = std::map<std::string, std::vector<Backend>>;
  [[nodiscard]] Backends backends() const;
  void add_backends(const Pod& pod, Backends& all) const;
  [[nodiscard]] std::vector<TrafficPod> traffic_pods() const;
  [[nodiscard]] std::optional<runtime::network::ServicePlan> plan_services(ServiceNames& names);
  [[nodiscard]] bool save(const ServiceLeases& leases);
  void claim_node_ports(Object& object);
  void tell_unknown_ports(const Object& object);
  void complain(const std::string& service, const std::string& why);

  Services& services_;
  Manifests& manifests_;
  Reconciler& reconciler_;
  ServiceLeases leases_;
  std::map<std::string, Object> objects_;
  std::map<std::string, std::string> complaints_;     // the last one of each Service
  std::map<std::string, std::string> unknown_ports_;  // the same
  bool looking_ = false;
  bool had_policies_ = false;
  Alive alive_;
};

}  // namespace mete::agent
