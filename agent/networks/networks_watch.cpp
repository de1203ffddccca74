// SPDX-License-Identifier: Apache-2.0
// What keeps the networks as they were made, and the names of their members.
#include <algorithm>
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;

// A removed bridge tells nobody that would not hear of each link of each container, too.
constexpr auto kVerifyEvery = std::chrono::seconds(10);

// The namespace of a pod that has these names.
std::string space_of(const std::vector<std::string>& names) {
  return names.front().substr(0, names.front().find('/'));
}

}  // namespace

void Networks::drifted(const std::string& what) {
  ++drifts_;
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kNetworkDrift),
                        .message = what + "; it is put back",
                        .fields = {{"found", what}}});
}

void Networks::rules_changed(const std::string& who) {
  if (state_ != State::kUp) return;
  if (healing_) {
    // Perhaps after the rules were written, and before we heard of that.
    changed_by_ = who;
    return;
  }
  healing_ = true;
  drifted("The rules of mete's networks were changed by " + who);
  thread_.write_rules(all_networks(), all_endpoints(), [this](const Status& written) {
    healing_ = false;
    if (const std::string again = std::exchange(changed_by_, {}); !again.empty()) return rules_changed(again);
    if (written) return;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kNetworkFailed),
                          .message = "The rules of mete's networks could not be put back: " + written.error().what});
  });
}

void Networks::verify_soon() {
  verify_.expires_after(kVerifyEvery);
  verify_.async_wait(alive_.guard([this] {
    if (state_ != State::kUp) return;
    measure();
    thread_.verify(all_networks(), all_endpoints(), [this](const Result<std::vector<std::string>>& found) {
      for (const auto& each : found.value_or(std::vector<std::string>())) drifted(each);
      verify_soon();
    });
  }));
}

void Networks::answer_names() {
  for (const auto& spec : all_networks()) {
    const auto listening = dns_.listen(runtime::network::gateway_of(spec));
    if (listening || std::exchange(names_failed_, true)) continue;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kNetworkFailed),
                          .message = "Pods do not find each other by name: " + listening.error().what});
  }
}

std::string Networks::resolver(const std::string& uid) const {
  const auto* const own = endpoint(uid);
  const auto network = own == nullptr ? networks_.end() : networks_.find(own->network);
  if (network == networks_.end() || own->device.empty()) return {};
  const auto gateway = runtime::network::gateway_of(network->second.spec);
  return dns_.listens(gateway) ? to_string(gateway) : std::string();
}

std::optional<DnsResponder::Found> Networks::find_name(const config::IpAddress& asker, const std::string& name) const {
  const Member* who = nullptr;
  const auto has = [&](const Endpoint& each) { return each.address == asker || each.address6 == asker; };
  for (const auto& [uid, member] : members_) {
    const bool asks = has(member.endpoint) || std::any_of(member.more.begin(), member.more.end(), has);
    if (asks && !member.endpoint.shared) who = &member;
  }
  if (who == nullptr || who->endpoint.names.empty()) return std::nullopt;
  if (who->endpoint.network == kDefaultNetwork) {
    if (auto found = find_of_services(space_of(who->endpoint.names), name)) return found;
  }
  // What it alone calls so; it may not run now.
  if (const auto link = who->endpoint.links.find(name); link != who->endpoint.links.end())
    return DnsResponder::Found{find_pods(*who, link->second), {}, {}};
  auto pods = find_pods(*who, name);
  if (pods.empty()) return std::nullopt;
  return DnsResponder::Found{std::move(pods), {}, {}};
}

std::vector<config::IpAddress> Networks::find_pods(const Member& asker, const std::string& name) const {
  std::set<std::string> networks = {asker.endpoint.network};
  for (const auto& each : asker.more) networks.insert(each.network);
  // Of several pods of that name those of the asker's own namespace.
  std::vector<config::IpAddress> near;
  std::vector<config::IpAddress> all;
  // A pod of this machine or of another one.
  const int first = name.find('/') == std::string::npos ? 1 : 0;
  const auto take = [&](const auto& each) {
    if (std::find(each.names.begin() + first, each.names.end(), name) == each.names.end()) return;
    for (auto* const list : {&all, space_of(each.names) == space_of(asker.endpoint.names) ? &near : nullptr}) {
      if (list == nullptr) continue;
      list->push_back(each.address);
      if (each.address6) list->push_back(*each.address6);
    }
  };
  for (const auto& each : all_endpoints()) {
    const bool is_asked = networks.contains(each.network) && !each.names.empty();
    if (is_asked && each.address != config::IpAddress{}) take(each);
  }
  for (const auto& network : networks) {
    for (const auto& each : elsewhere(network)) take(each);
  }
  return near.empty() ? all : near;
}

}  // namespace mete::agent
