// SPDX-License-Identifier: Apache-2.0
// Networks that are made and removed while the agent runs.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "agent/networks/overlay_store.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

constexpr std::uint32_t kLeastMtu = 1280;  // what IPv6 needs
constexpr std::uint32_t kMostMtu = 65535;

// docker's rule.
Status check_network_name(const std::string& name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLongest = 64;
  const bool fine = !name.empty() && name.size() <= kLongest && kLetters.find(name.front()) != std::string_view::npos &&
                    name.find_first_not_of(std::string(kLetters) + "_.-") == std::string::npos;
  if (!fine || name == "none" || name == "host")
    return fail("network name: found \"" + name +
                "\", expected at most 64 letters, digits, '_', '.' and '-', with a letter or digit first, and neither "
                "none nor host");
  return {};
}

Status check_driver(const std::string& driver) {
  if (driver.empty() || driver == "bridge" || driver == "overlay") return {};
  if (driver == "macvlan" || driver == "ipvlan")
    return fail("driver: found \"" + driver +
                "\", expected bridge or overlay: mete makes no networks on a device of the " + "machine");
  return fail("driver: found \"" + driver + "\", expected bridge or overlay" +
              (driver == "host" || driver == "none" ? ", as none and host are annotations of a pod" : ""));
}

Status check_option(const std::string& option) {
  if (option.empty()) return {};
  if (option == "encrypted" || option.starts_with("encrypted="))
    return fail(
        "opt: found \"" + option + "\", expected none: mete does not encrypt what its networks send between " +
        "machines; a WireGuard or IPsec link of the machines, with its address as network.overlay.advertise, does");
  return fail("opt: found \"" + option + "\", expected none: the drivers bridge and overlay have no options");
}

const config::IpRange kToChooseFrom{{false, {10, 78, 0, 0}}, 16};
// Of networks over several machines: another one, as each machine gives of the former by itself.
const config::IpRange kOverlayToChooseFrom{{false, {10, 80, 0, 0}}, 16};

// The first /24 of these that is in no network yet, from number `first` on.
Result<config::IpRange> next_range(const std::vector<NetworkSpec>& networks, unsigned first,
                                   const config::IpRange& all) {
  for (std::uint64_t i = first; i < 256; ++i) {
    const config::IpRange range = config::range_of(config::nth(all, i << 8U), 24);
    const auto taken = [&](const NetworkSpec& each) { return overlap(each.range, range); };
    if (std::none_of(networks.begin(), networks.end(), taken)) return range;
  }
  return fail("subnet: found all of " + to_string(all) + " taken, expected one that is given");
}

Result<config::IpRange> range_for(const std::string& text, bool v6, const std::vector<NetworkSpec>& networks) {
  METE_TRY(const auto range, config::parse_range(text));
  if (range.address.v6 != v6 || range.host_bits() < 2)
    return fail("subnet: found \"" + text + "\", expected " + (v6 ? "IPv6, at most a /126" : "IPv4, at most a /30"));
  for (const auto& each : networks) {
    if (overlap(each.range, range) || (each.range6 && overlap(*each.range6, range)))
      return fail("subnet: found \"" + text + "\", which network " + each.name + " has, expected a free one");
  }
  return range;
}

}  // namespace

std::string new_bridge() {
  std::uint32_t number = 0;
  (void)!::getrandom(&number, sizeof number, 0);
  char device[16];
  std::snprintf(device, sizeof device, "mtb%08x", number);
  return device;
}

Result<NetworkSpec> Networks::spec_of(const Wanted& wanted) const {
  METE_CHECK(check_network_name(wanted.name));
  METE_CHECK(check_driver(wanted.driver));
  METE_CHECK(check_option(wanted.option));
  if (networks_.contains(wanted.name))
    return fail("network " + wanted.name + ": found one of that name, expected a free name");
  NetworkSpec spec;
  spec.name = wanted.name;
  spec.device = new_bridge();
  const auto all = all_networks();
  METE_TRY(spec.range,
           wanted.subnet.empty()
               ? next_range(all, wanted.first, wanted.driver == "overlay" ? kOverlayToChooseFrom : kToChooseFrom)
               : range_for(wanted.subnet, false, all));
  if (!wanted.subnet6.empty()) {
    METE_TRY(spec.range6, range_for(wanted.subnet6, true, all));
  }
  spec.mtu = networks_.at(kDefaultNetwork).spec.mtu;
  if (!wanted.mtu.empty()) {
    const char* const end = wanted.mtu.data() + wanted.mtu.size();
    const auto [at, error] = std::from_chars(wanted.mtu.data(), end, spec.mtu);
    if (error != std::errc() || at != end || spec.mtu < kLeastMtu || spec.mtu > kMostMtu)
      return fail("mtu: found \"" + wanted.mtu + "\", expected 1280 to 65535");
  }
  spec.internal = wanted.internal;
  spec.between_containers = wanted.between_containers;
  spec.labels = wanted.labels;
  return spec;
}

void Networks::create(const Wanted& wanted, Done done) {
  if (wanted.driver == "overlay") return create_overlay(wanted, std::move(done));
  auto spec = spec_of(wanted);
  if (!spec) return done(tl::unexpected(std::move(spec.error())));
  make_network(*spec, [this, wanted, range = spec->range, done = std::move(done)](const Status& made) {
    if (made || made.error().code != EADDRINUSE || !wanted.subnet.empty()) return done(made);
    Wanted next = wanted;
    next.first = static_cast<unsigned>(config::offset_in(kToChooseFrom, range.address) >> 8U) + 1;
    create(next, done);
  });
}

void Networks::make_network(const NetworkSpec& spec, Done done) {
  const std::string record = network_record(spec.name);
  // Known first: what is made from here on is found again.
  if (auto saved = runtime::replace_file(record, to_json(spec)); !saved) return done(saved);
  add_network(spec);
  auto finish = [this, spec, record, done = std::move(done)](const Status& made) {
    if (made) {
      answer_names();
      return done({});
    }
    networks_.erase(spec.name);
    (void)::unlink(record.c_str());
    thread_.write_rules(all_networks(), all_endpoints(), [done, made](const Status&) { done(made); });
  };
  when_up([this, spec, finish = std::move(finish)](const Status& up) {
    if (!up) return finish(up);
    // The rules first, as everywhere.
    thread_.write_rules(all_networks(), all_endpoints(), [this, spec, finish](const Status& written) {
      if (!written) return finish(written);
      thread_.ensure_bridge(spec, finish);
    });
  });
}

std::vector<Endpoint> Networks::members_of(const std::string& network) const {
  std::vector<Endpoint> all;
  for (const auto& [uid, member] : members_) {
    if (member.endpoint.network == network) all.push_back(member.endpoint);
    for (const auto& each : member.more) {
      if (each.network == network) all.push_back(each);
    }
  }
  return all;
}

std::vector<std::string> Networks::unused() const {
  std::vector<std::string> names;
  for (const auto& [name, network] : networks_) {
    if (name != kDefaultNetwork && members_of(name).empty() && elsewhere(name).empty()) names.push_back(name);
  }
  return names;
}

void Networks::remove(const std::string& name, Done done) {
  const auto network = networks_.find(name);
  if (network == networks_.end()) {
    Error none = fail("network " + name + ": found no network of that name").value();
    none.code = ENOENT;
    return done(tl::unexpected(std::move(none)));
  }
  if (name == kDefaultNetwork)
    return done(fail("network " + name + ": found the default network, which goes with the agent"));
  if (const auto members = members_of(name); !members.empty())
    return done(fail("network " + name + ": found " + std::to_string(members.size()) + " pods in it, such as " +
                     (members.front().names.empty() ? "one" : members.front().names.front()) + ", expected none"));
  const NetworkSpec spec = network->second.spec;
  if (!spec.overlay) return drop_network(spec, std::move(done));
  if (!overlay_)
    return done(
        fail("network " + name + ": found no network.overlay in agent.yaml, expected the etcd that it is kept in"));
  overlay_->remove(name, [this, spec, done = std::move(done)](const Status& removed) {
    if (!removed || !networks_.contains(spec.name)) return done(removed);
    if (!members_of(spec.name).empty()) return done(fail("network " + spec.name + ": found a pod that came meanwhile"));
    drop_network(spec, done);
  });
}

void Networks::drop_network(const NetworkSpec& spec, Done done) {
  dns_.close(runtime::network::gateway_of(spec.range));
  networks_.erase(spec.name);
  (void)::unlink(network_record(spec.name).c_str());
  thread_.take_down({spec}, false, [this, done = std::move(done)](const Status& gone) {
    thread_.write_rules(all_networks(), all_endpoints(),
                        [done, gone](const Status& written) { done(gone ? written : gone); });
  });
}

}  // namespace mete::agent
