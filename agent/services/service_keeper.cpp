// SPDX-License-Identifier: Apache-2.0
#include "agent/services/service_keeper.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/services/service_names.h"
#include "runtime/file.h"
#include "runtime/pod/name_files.h"

namespace mete::agent {
namespace {

using runtime::network::PublishedPort;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void add_addresses(const runtime::network::Endpoint& endpoint, std::vector<config::IpAddress>& to) {
  to.push_back(endpoint.address);
  if (!endpoint.address6) return;
  to.push_back(*endpoint.address6);
  to.push_back(runtime::network::link_local_of(endpoint.mac));
}

}  // namespace

ServiceKeeper::ServiceKeeper(Services& services, Manifests& manifests, Reconciler& reconciler)
    : services_(services), manifests_(manifests), reconciler_(reconciler) {
  reconciler_.on_changed([this](const std::string&) { look_soon(); });
  reconciler_.networks().on_member([this] { look(); });
}

void ServiceKeeper::open() {
  const auto text = runtime::read_file(AT_FDCWD, services_.settings.services());
  if (!text) return;
  auto leases = parse_leases(*text);
  if (leases) {
    leases_ = std::move(*leases);
    return;
  }
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kRecordUnreadable),
                        .message = services_.settings.services() + ": " + leases.error().what});
}

void ServiceKeeper::look_soon() {
  if (std::exchange(looking_, true)) return;
  asio::post(services_.loop, alive_.guard([this] { look(); }));
}

// A pod is behind a Service in each network that it is in.
void ServiceKeeper::add_backends(const Pod& pod, Backends& all) const {
  const Networks& networks = reconciler_.networks();
  const auto& manifest = pod.plan()->pod;
  Backend backend{manifest.metadata.namespace_, manifest.metadata.name, manifest.metadata.labels, {}, false, {}};
  if (!manifest.spec.subdomain.empty()) {
    backend.hostname = runtime::pod::hostname_of(manifest);
    backend.subdomain = manifest.spec.subdomain;
  }
  backend.ready = pod.status().ready;
  for (const auto& container : manifest.spec.containers)
    backend.ports.insert(backend.ports.end(), container.ports.begin(), container.ports.end());
  const auto add = [&](const std::string& network, const config::IpAddress& address,
                       const std::optional<config::IpAddress>& address6) {
    if (address == config::IpAddress{}) return;
    backend.address = address;
    backend.address6 = address6;
    all[network].push_back(backend);
  };
  if (manifest.spec.host_network) {
    const auto v6 = networks.machine_address(true);
    add(kDefaultNetwork, networks.machine_address(false), v6.v6 ? std::optional(v6) : std::nullopt);
  }
  const auto* const endpoint = networks.endpoint(pod.record().uid);
  if (endpoint == nullptr) return;
  add(endpoint->network, endpoint->address, endpoint->address6);
  for (const auto& each : networks.further(pod.record().uid)) {
    // Rules lead to addresses of the default network by the pod's own way out.
    if (each.network != kDefaultNetwork) add(each.network, each.address, each.address6);
  }
}

ServiceKeeper::Backends ServiceKeeper::backends() const {
  Backends all;
  for (const auto& [key, pod] : reconciler_.pods()) {
    if (pod->plan() != nullptr && !pod->is_ending()) add_backends(*pod, all);
  }
  return all;
}

// One that ends is held to its policies until it is gone.
std::vector<TrafficPod> ServiceKeeper::traffic_pods() const {
  std::vector<TrafficPod> all;
  const Networks& networks = reconciler_.networks();
  for (const auto& [key, pod] : reconciler_.pods()) {
    const auto* const endpoint = networks.endpoint(pod->record().uid);
    if (pod->plan() == nullptr || endpoint == nullptr || endpoint->shared) continue;
    if (endpoint->address == config::IpAddress{}) continue;
    const auto& manifest = pod->plan()->pod;
    TrafficPod one{manifest.metadata.namespace_, &manifest.metadata.labels, {}, {}};
    add_addresses(*endpoint, one.addresses);
    for (const auto& each : networks.further(pod->record().uid)) add_addresses(each, one.addresses);
    for (const auto& container : manifest.spec.containers) {
      for (const auto& port : container.ports) one.ports.push_back(&port);
    }
    all.push_back(std::move(one));
  }
  return all;
}

// Against a power failure, too: a Service keeps its address.
bool ServiceKeeper::save(const ServiceLeases& leases) {
  if (leases == leases_) return true;
  if (auto saved = runtime::replace_file(services_.settings.services(), to_json(leases)); !saved) {
    complain({}, saved.error().what);
    return false;
  }
  leases_ = leases;
  return true;
}

void ServiceKeeper::claim_node_ports(Object& object) {
  std::vector<PublishedPort> ports;
  for (const auto& each : object.plan.ports) {
    // One port of the machine for the addresses of both kinds.
    const PublishedPort port{each.protocol, {}, each.node_port, each.port};
    if (each.node_port != 0 && std::find(ports.begin(), ports.end(), port) == ports.end()) ports.push_back(port);
  }
  const std::string name = full_name(object.service.metadata);
  const auto claimed = reconciler_.networks().claim_node_ports(name, ports);
  if (claimed) return;
  for (auto& each : object.plan.ports) each.node_port = 0;
  complain(name, claimed.error().what);
}

// Pods that a Service selects and cannot lead to: none of their ports has the name that it asks for.
void ServiceKeeper::tell_unknown_ports(const Object& object) {
  const std::string name = full_name(object.service.metadata);
  const std::string unknown = unknown_ports(object.service, object.plan);
  if (std::exchange(unknown_ports_[name], unknown) == unknown || unknown.empty()) return;
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kServiceFailed),
                        .message = "Service " + name + ": " + unknown,
                        .fields = {{"service", name}}});
}

void ServiceKeeper::complain(const std::string& service, const std::string& why) {
  if (complaints_[service] == why) return;
  complaints_[service] = why;
  services_.events.add(
      {.severity = Severity::kWarning,
       .reason = name_of(Reason::kServiceFailed),
       .message = (service.empty() ? "Services and NetworkPolicies" : "Service " + service) + ": " + why,
       .fields = {{"service", service}}});
}

std::optional<runtime::network::ServicePlan> ServiceKeeper::plan_services(ServiceNames& names) {
  const auto all = manifests_.desired().services.empty() ? Backends() : backends();
  const auto in_default = all.find(kDefaultNetwork);
  const auto none = std::vector<Backend>();
  auto before = std::exchange(objects_, {});
  const auto& network = services_.settings.config.network;
  runtime::network::ServicePlan plan{network.services, {}, network.services6};
  for (const auto& service : manifests_.desired().services) {
    const std::string name = full_name(service.metadata);
    const auto own = leases_.find(name);
    if (own == leases_.end()) continue;
    Object object{service, own->second,
                  plan_service(service, own->second, in_default == all.end() ? none : in_default->second)};
    claim_node_ports(object);
    tell_unknown_ports(object);
    plan.ports.insert(plan.ports.end(), object.plan.ports.begin(), object.plan.ports.end());
    names[name] = service_name(object.service, object.lease, object.plan, network.services6.has_value());
    for (const auto& [where, backends] : all) {
      if (where == kDefaultNetwork || !service.external_name.empty()) continue;
      // Without a lease: nothing of it is reached there but its pods.
      names[name].of_networks[where] = pods_of_service(service, plan_service(service, {}, backends), true);
    }
    before.erase(name);
    objects_.emplace(name, std::move(object));
  }
  for (const auto& [name, object] : before) {
    (void)reconciler_.networks().claim_node_ports(name, {});
    complaints_.erase(name);
    unknown_ports_.erase(name);
  }
  if (plan.ports.empty()) return std::nullopt;
  return plan;
}

void ServiceKeeper::look() {
  looking_ = false;
  const auto& desired = manifests_.desired();
  const bool services = !desired.services.empty() || !objects_.empty() || !leases_.empty();
  const bool policies = !desired.traffic_policies.empty();
  if (!services && !policies && !had_policies_) return;
  had_policies_ = policies;
  const auto& network = services_.settings.config.network;
  auto leasing = lease(desired.services, leases_, {network.services, network.services6}, seconds_now());
  for (const auto& [name, why] : leasing.refused) complain(name, why);
  if (!save(leasing.leases)) return;
  ServiceNames names;
  runtime::network::PodRules rules;
  rules.services = plan_services(names);
  if (policies) rules.traffic = plan_traffic(desired.traffic_policies, traffic_pods());
  reconciler_.networks().serve(std::move(rules), std::move(names), alive_.guard_value([this](const Status& done) {
    if (!done) complain({}, done.error().what);
  }));
}

}  // namespace mete::agent
