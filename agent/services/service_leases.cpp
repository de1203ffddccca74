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
  Leaser(const ServiceLeases& before, const ServiceRanges& ranges, std::int64_t now)
      : before_(before), ranges_(ranges), now_(now) {}

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
    const auto families = families_of(service, ranges_.v6.has_value());
    if (!families) refuse(service, families.error().what);
  }

  // The ranges from which it has an address each.
  [[nodiscard]] std::vector<config::IpRange> ranges_for(const Service& service) const {
    std::vector<config::IpRange> all;
    const auto families = families_of(service, ranges_.v6.has_value());
    if (!wants_address(service) || !families) return all;
    if (families->v4) all.push_back(ranges_.v4);
    if (families->v6) all.push_back(*ranges_.v6);
    return all;
  }
  static IpAddress& address_in(ServiceLease& lease, const config::IpRange& range) {
    return range.address.v6 ? lease.address6 : lease.address;
  }
  static const std::optional<IpAddress>& asked_in(const Service& service, const config::IpRange& range) {
    return range.address.v6 ? service.address6 : service.address;
  }

  ServiceLease& lease_of(const Service& service) { return out_.leases.at(full_name(service.metadata)); }

  void refuse(const Service& service, std::string why) {
    out_.refused.emplace_back(full_name(service.metadata), std::move(why));
    out_.leases.erase(full_name(service.metadata));
  }

  void asked(const Service& service) {
    for (const auto& range : ranges_for(service)) {
      const auto& wanted = asked_in(service, range);
      if (!wanted || address_in(lease_of(service), range) == *wanted) continue;
      const std::string shown = "clusterIP: found " + to_string(*wanted) + ", ";
      if (!is_usable(range, *wanted)) return refuse(service, shown + "expected an address of " + to_string(range));
      if (!addresses_.insert(*wanted).second)
        return refuse(service, shown + "which another Service has, expected a free one");
      address_in(lease_of(service), range) = *wanted;
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
    for (const auto& range : ranges_for(service)) {
      const IpAddress address = range.address.v6 ? old->second.address6 : old->second.address;
      const bool asks_for_other = asked_in(service, range) && *asked_in(service, range) != address;
      if (!asks_for_other && is_usable(range, address) && addresses_.insert(address).second)
        address_in(lease, range) = address;
    }
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
    for (const auto& range : ranges_for(service)) {
      if (address_in(lease, range) != IpAddress{}) continue;
      const auto address = free_address(range, name);
      if (!address) return refuse(service, "clusterIP: found all addresses of " + to_string(range) + " taken");
      address_in(lease, range) = *address;
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
  [[nodiscard]] static bool is_usable(const config::IpRange& range, const IpAddress& address) {
    if (!contains(range, address)) return false;
    const auto offset = offset_in(range, address);
    return offset > 0 && offset < size_of(range) - 1;
  }
  [[nodiscard]] static std::uint64_t size_of(const config::IpRange& range) {
    constexpr unsigned kMostBits = 62;
    return std::uint64_t{1} << std::min(range.host_bits(), kMostBits);
  }

  std::optional<IpAddress> free_address(const config::IpRange& range, const std::string& name) {
    constexpr std::uint64_t kMostLooks = 1U << 20U;
    const std::uint64_t usable = size_of(range) - 2;
    const std::uint64_t first = hash_of(name) % usable;
    for (std::uint64_t i = 0; i < std::min(usable, kMostLooks); ++i) {
      const auto address = nth(range, 1 + (first + i) % usable);
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
  const ServiceRanges& ranges_;
  std::int64_t now_;
  std::set<IpAddress> addresses_;
  std::set<std::pair<config::Protocol, std::uint16_t>> node_ports_;
  Leasing out_;
};

}  // namespace

std::string lease_key(const config::ServicePort& port) {
  return std::string(protocol_name(port.protocol)) + "/" + std::to_string(port.port);
}

Result<ServiceFamilies> families_of(const Service& service, bool has_v6) {
  using config::IpFamilyPolicy;
  const bool requires_v6 =
      service.v6_first || service.address6 || service.family_policy == IpFamilyPolicy::kRequireDualStack;
  if (requires_v6 && !has_v6)
    return fail("ipFamilies: found IPv6, expected IPv4 alone, or `services6` of `network` in agent.yaml");
  const bool both = service.family_policy != IpFamilyPolicy::kSingleStack && has_v6;
  return ServiceFamilies{both || !service.v6_first, both || service.v6_first};
}

Leasing lease(const std::vector<Service>& services, const ServiceLeases& before, const ServiceRanges& ranges,
              std::int64_t now) {
  return Leaser(before, ranges, now).run(services);
}

std::string to_json(const ServiceLeases& leases) {
  json value = json::object();
  for (const auto& [name, each] : leases) {
    value[name] = {{"address", to_string(each.address)}, {"nodePorts", each.node_ports}, {"created", each.created}};
    if (each.address6 != IpAddress{}) value[name]["address6"] = to_string(each.address6);
  }
  return value.dump() + "\n";
}

Result<ServiceLeases> parse_leases(const std::string& text) {
  try {
    ServiceLeases leases;
    const json record = json::parse(text);
    for (const auto& [name, each] : record.items()) {
      const auto address = config::parse_ip(each.at("address").get<std::string>());
      if (!address) return fail("the record of Services: found no address of " + name);
      const auto address6 = config::parse_ip(each.value("address6", std::string("0.0.0.0")));
      leases[name] = {*address, each.at("nodePorts").get<std::map<std::string, std::uint16_t>>(), each.at("created"),
                      address6.value_or(IpAddress{})};
    }
    return leases;
  } catch (const json::exception& error) {
    return fail(std::string("the record of Services: ") + error.what());
  }
}

}  // namespace mete::agent
