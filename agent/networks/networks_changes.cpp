// SPDX-License-Identifier: Apache-2.0
// Networks that are made and removed while the agent runs.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

// By what the network is made: its bridge, or its parent.
bool is_bridge(const NetworkSpec& network) {
  return network.driver == runtime::network::Driver::kBridge;
}

}  // namespace

void Networks::create(const Wanted& wanted, Done done) {
  auto spec = spec_of(wanted);
  if (!spec) return done(tl::unexpected(std::move(spec.error())));
  const std::string name = spec->name;
  const std::string record = network_record(name);
  // Known first: what is made from here on is found again.
  if (auto saved = runtime::replace_file(record, to_json(*spec)); !saved) return done(saved);
  const NetworkSpec made_spec = *spec;
  add_network(std::move(*spec));
  auto finish = [this, name, record, wanted, made_spec, done = std::move(done)](const Status& made) {
    if (made) {
      if (is_bridge(made_spec)) answer_names();
      return done({});
    }
    networks_.erase(name);
    (void)::unlink(record.c_str());
    if (made.error().code == EADDRINUSE && wanted.subnet.empty()) {
      Wanted next = wanted;
      next.first = static_cast<unsigned>(config::offset_in(kRangesToChooseFrom, made_spec.range.address) >> 8U) + 1;
      return create(next, done);
    }
    if (!is_bridge(made_spec)) return done(made);
    thread_.write_rules(all_networks(), all_endpoints(), [done, made](const Status&) { done(made); });
  };
  if (is_of_plugins(name)) return cni_.look_at(made_spec.configuration, finish);
  if (!is_bridge(made_spec)) return thread_.ensure_parent(made_spec, finish);
  when_up([this, made_spec, finish = std::move(finish)](const Status& up) {
    if (!up) return finish(up);
    // The rules first, as everywhere.
    thread_.write_rules(all_networks(), all_endpoints(), [this, made_spec, finish](const Status& written) {
      if (!written) return finish(written);
      thread_.ensure_bridge(made_spec, finish);
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
    if (name != kDefaultNetwork && members_of(name).empty()) names.push_back(name);
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
  if (is_bridge(spec)) dns_.close(runtime::network::gateway_of(spec));
  networks_.erase(network);
  if (spec.driver == runtime::network::Driver::kCni) {
    (void)::unlink(network_record(name).c_str());
    return done({});
  }
  thread_.take_down({spec}, false,
                    [this, spec, record = network_record(name), done = std::move(done)](const Status& gone) {
                      (void)::unlink(record.c_str());
                      if (!is_bridge(spec)) return done(gone);
                      thread_.write_rules(all_networks(), all_endpoints(),
                                          [done, gone](const Status& written) { done(gone ? written : gone); });
                    });
}

}  // namespace mete::agent
