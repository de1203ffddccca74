// SPDX-License-Identifier: Apache-2.0
#include "agent/services/service_leases.h"

#include <algorithm>
#include <set>

#include "runtime/json.h"

namespace mete::agent {
namespace {

using config::IpAddress;
using config::Service;
using config::ServiceType;
using nlohmann::json;

constexpr std::uint16_t kFirstNodePort = 30000;  // Kubernetes' own range
constexpr std::uint16_t kNodePorts = 2768;

bool wants_address(const Service& service) {
  return !service.headless && service.type != ServiceType::kExternalName;
}

std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char each : text) hash = (hash ^ static_cast<unsigned char>(each)) * 1099511628211ULL;
  return hash;
}

class Leaser {
 public:
  Leaser(const ServiceLeases& before, const config::IpRange& range, std::int64_t now)
      : before_(before), range_(range), now_(now) {}

  // Three rounds over all Services: what one has stays its own, and what one asks for by number is not chosen for
  // another one.
  Leasing run(const std::vector<Service>& services) {
    for (const auto& each : services) add(each);
    for (const auto round : {&Leaser::kept, &Leaser::asked, &Leaser::chosen}) {
      for (const auto& each : services) {
        if (out_.leases.contains(full_name(each.metadata))) (this->*round)(each);
      }
    }
    return std::move(out_);
  }

 private:
  void add(const Service& service) {
    const auto old = before_.find(full_name(service.metadata));
    out_.leases[full_name(service.metadata)].created = old == before_.end() ? now_ : old->second.created;
  }

  ServiceLease& lease_of(const Service& service) { return out_.leases.at(full_name(service.metadata)); }

  void refuse(const Service& service, std::string why) {
    out_.refused.emplace_back(full_name(service.metadata), std::move(why));
    out_.leases.erase(full_name(service.metadata));
  }

  void asked(const Service& service) {
    if (service.address && wants_address(service) && lease_of(service).address != *service.address) {
      const std::string shown = "clusterIP: found " + to_string(*service.address) + ", ";
      if (!is_usable(*service.address)) return refuse(service, shown + "expected an address of " + to_string(range_));
      if (!addresses_.insert(*service.address).second)
        return refuse(service, shown + "which another Service has, expected a free one");
      lease_of(service).address = *service.address;
    }
    for (const auto& port : service.ports) {
      if (port.node_port == 0 || lease_of(service).node_ports.contains(lease_key(port))) continue;
      if (!node_ports_.insert({port.protocol, port.node_port}).second)
        return refuse(service, "nodePort: found " + std::to_string(port.node_port) +
                                   ", which another Service has, expected a free one");
      lease_of(service).node_ports[lease_key(port)] = port.node_port;
    }
  }

  void kept(const Service& service) {
    const auto old = before_.find(full_name(service.metadata));
    if (old == before_.end()) return;
    ServiceLease& lease = lease_of(service);
    const IpAddress address = old->second.address;
    const bool asks_for_other = service.address && *service.address != address;
    if (wants_address(service) && !asks_for_other && is_usable(address) && addresses_.insert(address).second)
      lease.address = address;
    if (!has_node_ports(service.type)) return;
    for (const auto& port : service.ports) {
      const auto known = old->second.node_ports.find(lease_key(port));
      if (known == old->second.node_ports.end()) continue;
      const bool asks_for_this = port.node_port == 0 || port.node_port == known->second;
      if (asks_for_this && node_ports_.insert({port.protocol, known->second}).second)
        lease.node_ports[lease_key(port)] = known->second;
    }
  }

  void chosen(const Service& service) {
    ServiceLease& lease = lease_of(service);
    const std::string name = full_name(service.metadata);
    if (wants_address(service) && lease.address == IpAddress{}) {
      const auto address = free_address(name);
      if (!address) return refuse(service, "clusterIP: found all addresses of " + to_string(range_) + " taken");
      lease.address = *address;
    }
    if (!has_node_ports(service.type)) return;
    for (const auto& port : service.ports) {
      if (lease.node_ports.contains(lease_key(port))) continue;
      const auto free = free_node_port(port, name);
      if (!free) return refuse(service, "nodePort: found all ports from 30000 to 32767 taken");
      lease.node_ports[lease_key(port)] = *free;
    }
  }

  // Neither the range's own address nor the last one.
  [[nodiscard]] bool is_usable(const IpAddress& address) const {
    if (!contains(range_, address)) return false;
    const auto offset = offset_in(range_, address);
    return offset > 0 && offset < size() - 1;
  }
  [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << range_.host_bits(); }

  std::optional<IpAddress> free_address(const std::string& name) {
    const std::uint64_t usable = size() - 2;
    const std::uint64_t first = hash_of(name) % usable;
    for (std::uint64_t i = 0; i < usable; ++i) {
      const auto address = nth(range_, 1 + (first + i) % usable);
      if (addresses_.insert(address).second) return address;
    }
    return std::nullopt;
  }

  std::optional<std::uint16_t> free_node_port(const config::ServicePort& port, const std::string& name) {
    const std::uint64_t first = hash_of(name + lease_key(port)) % kNodePorts;
    for (std::uint64_t i = 0; i < kNodePorts; ++i) {
      const auto number = static_cast<std::uint16_t>(kFirstNodePort + (first + i) % kNodePorts);
      if (node_ports_.insert({port.protocol, number}).second) return number;
    }
    return std::nullopt;
  }

  const ServiceLeases& before_;
  const config::IpRange& range_;
  std::int64_t now_;
  std::set<IpAddress> addresses_;
  std::set<std::pair<config::Protocol, std::uint16_t>> node_ports_;
  Leasing out_;
};

}  // namespace

std::string lease_key(const config::ServicePort& port) {
  return std::string(protocol_name(port.protocol)) + "/" + std::to_string(port.port);
}

Leasing lease(const std::vector<Service>& services, const ServiceLeases& before, const config::IpRange& range,
              std::int64_t now) {
  return Leaser(before, range, now).run(services);
}

std::string to_json(const ServiceLeases& leases) {
  json value = json::object();
  for (const auto& [name, each] : leases)
    value[name] = {{"address", to_string(each.address)}, {"nodePorts", each.node_ports}, {"created", each.created}};
  return value.dump() + "\n";
}

Result<ServiceLeases> parse_leases(const std::string& text) {
  try {
    ServiceLeases leases;
    const json record = json::parse(text);
    for (const auto& [name, each] : record.items()) {
      const auto address = config::parse_ip(each.at("address").get<std::string>());
      if (!address) return fail("the record of Services: found no address of " + name);
      leases[name] = {*address, each.at("nodePorts").get<std::map<std::string, std::uint16_t>>(), each.at("created")};
    }
    return leases;
  } catch (const json::exception& error) {
    return fail(std::string("the record of Services: ") + error.what());
  }
}

}  // namespace mete::agent
