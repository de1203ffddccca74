// SPDX-License-Identifier: Apache-2.0
// Networks that are made and removed while the agent runs.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "agent/networks/overlay/overlay_store.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

}  // namespace

void Networks::create(const Wanted& wanted, Done done) {
  if (wanted.driver == "overlay") return create_overlay(wanted, std::move(done));
  auto spec = spec_of(wanted);
  if (!spec) return done(tl::unexpected(std::move(spec.error())));
  make_network(*spec, [this, wanted, range = spec->range, done = std::move(done)](const Status& made) {
    if (made || made.error().code != EADDRINUSE || !wanted.subnet.empty()) return done(made);
    Wanted next = wanted;
    next.first = static_cast<unsigned>(config::offset_in(kRangesToChooseFrom, range.address) >> 8U) + 1;
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
      if (has_bridge(spec)) answer_names();
      return done({});
    }
    networks_.erase(spec.name);
    (void)::unlink(record.c_str());
    if (!has_bridge(spec)) return done(made);
    thread_.write_rules(all_networks(), all_endpoints(), [done, made](const Status&) { done(made); });
  };
  if (is_of_plugins(spec.name)) return cni_.look_at(spec.configuration, finish);
  if (!has_bridge(spec)) return thread_.ensure_parent(spec, finish);
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
  if (has_bridge(spec)) dns_.close(runtime::network::gateway_of(spec));
  networks_.erase(spec.name);
  if (is_encrypted(spec) && overlay_ && !has_encrypted()) {
    overlay_->withdraw_host();
    tunnel_.reset();
  }
  const std::string record = network_record(spec.name);
  if (spec.driver == runtime::network::Driver::kCni) {
    (void)::unlink(record.c_str());
    return done({});
  }
  thread_.take_down({spec}, false, [this, spec, record, done = std::move(done)](const Status& gone) {
    (void)::unlink(record.c_str());
    if (!has_bridge(spec)) return done(gone);
    thread_.write_rules(all_networks(), all_endpoints(),
                        [done, gone](const Status& written) { done(gone ? written : gone); });
  });
}

}  // namespace mete::agent
