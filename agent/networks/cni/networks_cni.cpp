// SPDX-License-Identifier: Apache-2.0
// Pods in networks of CNI plugins: what the plugins are asked for, and what they have answered.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "agent/networks/cni/cni_offers.h"
#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::Driver;
using runtime::network::Endpoint;

}  // namespace

bool Networks::is_of_plugins(const std::string& network) const {
  const auto found = networks_.find(network);
  return found != networks_.end() && found->second.spec.driver == Driver::kCni;
}

void Networks::connect_plugins(const std::string& uid, const config::Pod& pod,
                               const runtime::network::Bandwidth& bandwidth, Done done) {
  auto endpoint = make_endpoint(uid, pod, bandwidth);
  if (!endpoint) return done(tl::unexpected(std::move(endpoint.error())));
  auto offers = offers_of(pod, *endpoint, annotation_of(pod, "mete/ip"));
  if (!offers) {
    claims_.give_up(uid);
    return done(tl::unexpected(std::move(offers.error())));
  }
  auto more = end_earlier_life(uid);
  const std::uint64_t life = ++lives_;
  members_.change(uid) = {*endpoint, {}, std::move(more), {}, life};
  if (auto saved = save(uid, *endpoint); !saved) {
    forget(uid);
    return done(saved);
  }
  CniNetworks::Wish wish{{uid, endpoint->network},
                         networks_.at(endpoint->network).spec.configuration,
                         endpoint->inside,
                         arguments_of(pod, uid),
                         {},
                         {},
                         {}};
  wish.offers = std::move(offers->all);
  wish.needs = std::move(offers->needed);
  cni_.add(std::move(wish), [this, uid, life, done = std::move(done)](Result<CniNetworks::Added> added) {
    const auto member = members_.find(uid);
    // Disconnected meanwhile, and perhaps connected again: its DEL follows.
    if (member == members_.end() || member->second.life != life) return;
    if (!added) {
      (void)::unlink(record_of(uid).c_str());
      forget(uid);
      return done(tl::unexpected(std::move(added.error())));
    }
    Member& own = members_.change(uid);
    Endpoint& made = own.endpoint;
    runtime::network::cni::apply_result(added->result, made);
    made.answer = added->result.text;
    own.inside = std::move(added->inside);
    if (auto saved = save(uid, made); !saved) {
      disconnect(uid);
      return done(saved);
    }
    if (on_member_) on_member_();
    for (const auto& each : std::exchange(own.more, {})) attach_more(uid, each, [](const Status&) {});
    answer_inside(uid, done);
  });
}

Status Networks::save(const std::string& uid, const Endpoint& endpoint) const {
  METE_CHECK(runtime::make_directories(services_.settings.endpoints(), 0700));
  return runtime::replace_file(record_of(uid), to_json(endpoint), 0600, runtime::Durability::volatile_);
}

void Networks::attach_plugins(const std::string& uid, const Endpoint& endpoint, const Done& done) {
  Member& member = members_.change(uid);
  member.more.push_back(endpoint);
  const std::string record = uid + "@" + endpoint.network;
  CniNetworks::Wish wish{{uid, endpoint.network},
                         networks_.at(endpoint.network).spec.configuration,
                         endpoint.inside,
                         arguments_of(endpoint, uid),
                         {},
                         {},
                         {}};
  wish.inside = std::make_shared<runtime::UniqueFd>(::fcntl(member.inside.get(), F_DUPFD_CLOEXEC, 0));
  if (endpoint.address != config::IpAddress{}) {
    wish.offers = {{"ips", "[\"" + to_string(endpoint.address) + "\"]"}};
    wish.needs = {"ips"};
  }
  if (const auto saved = save(record, endpoint); !saved) {
    std::erase(member.more, endpoint);
    return done(saved);
  }
  cni_.add(std::move(wish), [this, uid, record, endpoint, done](const Result<CniNetworks::Added>& added) {
    if (!members_.contains(uid)) return;
    auto& more = members_.change(uid).more;
    const auto own = std::find(more.begin(), more.end(), endpoint);
    if (own == more.end()) return;
    if (!added) {
      more.erase(own);
      (void)::unlink(record_of(record).c_str());
      return done(tl::unexpected(added.error()));
    }
    runtime::network::cni::apply_result(added->result, *own);
    own->answer = added->result.text;
    done(save(record, *own));
  });
}

// What belongs to pods that are gone.
void Networks::release_leftovers() {
  for (const auto& [uid, network] : cni_.recorded()) {
    const auto member = members_.find(uid);
    const auto same = [&name = network](const Endpoint& each) { return each.network == name; };
    if (member != members_.end()) {
      const auto& more = member->second.more;
      if (same(member->second.endpoint) || std::any_of(more.begin(), more.end(), same)) continue;
    }
    cni_.remove(uid, network, [](const Status&) {});
  }
}

void Networks::check(const std::string& network, Checked done) {
  const auto found = networks_.find(network);
  auto answer = std::make_shared<std::vector<CheckedPod>>();
  if (found == networks_.end() || found->second.spec.driver != Driver::kCni)
    return done(fail("network " + network + ": found none of driver cni of that name"));
  std::vector<std::pair<std::string, std::string>> pods;  // uid and name
  for (const auto& [uid, member] : members_) {
    const auto same = [&](const Endpoint& each) { return each.network == network; };
    const bool is_in = same(member.endpoint) || std::any_of(member.more.begin(), member.more.end(), same);
    if (is_in && !member.endpoint.names.empty()) pods.emplace_back(uid, member.endpoint.names.front());
  }
  cni_.look_at(found->second.spec.configuration, [this, network, pods, answer, done](const Status& ready) {
    if (!ready) return done(tl::unexpected(ready.error()));
    if (pods.empty()) return done(std::vector<CheckedPod>());
    for (const auto& [uid, name] : pods) {
      cni_.check(uid, network, [answer, name = name, most = pods.size(), done](const Status& checked) {
        answer->push_back({name, checked ? std::string() : checked.error().what});
        if (answer->size() == most) done(std::move(*answer));
      });
    }
  });
}

void Networks::collect_garbage(const std::string& network, Done done) {
  const auto found = networks_.find(network);
  if (found == networks_.end() || found->second.spec.driver != Driver::kCni)
    return done(fail("network " + network + ": found none of driver cni of that name"));
  cni_.collect_garbage(found->second.spec.configuration, std::move(done));
}

std::optional<runtime::network::cni::ResultDns> Networks::resolver_of_plugins(const std::string& uid) const {
  const Endpoint* const own = endpoint(uid);
  if (own == nullptr || own->answer.empty()) return std::nullopt;
  const auto result = runtime::network::cni::parse_result(own->answer, "1.0.0", own->network);
  if (!result || result->dns.nameservers.empty()) return std::nullopt;
  return result->dns;
}

}  // namespace mete::agent
