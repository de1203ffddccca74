// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/networks.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "agent/base/event_reasons.h"
#include "agent/base/log.h"
#include "agent/networks/endpoint_record.h"
#include "agent/networks/overlay/overlay_store.h"
#include "runtime/file.h"
#include "runtime/unfinished_files.h"

namespace mete::agent {
namespace {

using config::DefaultNetwork;
using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

NetworkSpec default_network(const config::NetworkPolicy& policy) {
  NetworkSpec spec;
  spec.name = kDefaultNetwork;
  spec.device = policy.device;
  spec.range = policy.range;
  spec.range6 = policy.range6;
  spec.mtu = static_cast<std::uint32_t>(policy.mtu);
  spec.between_containers = policy.between_containers;
  return spec;
}

// Of a pod in the namespace of one that is in no network: nothing of it is on a bridge.
bool is_outside(const std::string& network) {
  return network == kMachinesNetwork || network == kNoNetwork;
}

// The machine lacks it or these rights do: trying again is of no use.
bool is_for_good(const Error& error) {
  constexpr std::array kCodes = {EPERM, EACCES, EOPNOTSUPP, EPROTONOSUPPORT, EAFNOSUPPORT, ENOSYS};
  return std::find(kCodes.begin(), kCodes.end(), error.code) != kCodes.end();
}

}  // namespace

Networks::Networks(Services& services)
    : services_(services),
      thread_(services.loop, runtime::network::table_name(services.settings.config.network.device)),
      cni_(services),
      dns_(services.loop, [this](const auto& asker, const std::string& name) { return find_name(asker, name); }),
      watch_(services.loop, runtime::network::table_name(services.settings.config.network.device),
             [this](const std::string& who) { rules_changed(who); }),
      verify_(services.loop) {}

Networks::~Networks() = default;

std::string Networks::record_of(const std::string& uid) const {
  return services_.settings.endpoints() + "/" + uid + ".json";
}

void Networks::add_network(NetworkSpec spec) {
  const std::string name = spec.name;
  networks_.insert_or_assign(name, Network{spec, runtime::network::pool_of(spec), runtime::network::pool6_of(spec)});
}

std::string Networks::network_record(const std::string& name) const {
  return services_.settings.networks() + "/" + name + ".json";
}

void Networks::read_networks() {
  const NetworkSpec wanted = default_network(services_.settings.config.network);
  std::error_code ignored;
  const bool in_use = std::filesystem::directory_iterator(services_.settings.endpoints(), ignored) !=
                      std::filesystem::directory_iterator();
  add_network(wanted);
  for (const auto& entry : std::filesystem::directory_iterator(services_.settings.networks(), ignored)) {
    if (entry.path().extension() != ".json") continue;
    const auto text = runtime::read_file(AT_FDCWD, entry.path());
    auto spec = text ? parse_network(*text) : tl::unexpected(text.error());
    if (!spec) {
      services_.events.add({.severity = Severity::kWarning,
                            .reason = name_of(Reason::kRecordUnreadable),
                            .message = entry.path().string() + ": " + spec.error().what});
      continue;
    }
    // What pods are in stays as it is until none is left.
    if (spec->name == kDefaultNetwork && (!in_use || *spec == wanted)) continue;
    if (spec->name == kDefaultNetwork)
      log_info("agent.yaml asks for another default network; the present one stays until no pod is in it");
    add_network(std::move(*spec));
  }
}

void Networks::read_records(const std::optional<std::set<std::string>>& pods) {
  std::error_code ignored;
  // A pod's own network before its further ones: "UID" before "UID@NETWORK".
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(services_.settings.endpoints(), ignored))
    names.insert(entry.path().stem().string());
  for (const auto& name : names) {
    const std::string uid = name.substr(0, name.find('@'));
    const bool further = uid.size() < name.size();
    const bool known = further ? members_.contains(uid) : !pods || pods->contains(uid);
    const auto text = runtime::read_file(AT_FDCWD, record_of(name));
    auto endpoint = text ? parse_endpoint(*text) : tl::unexpected(text.error());
    const auto network = endpoint ? networks_.find(endpoint->network) : networks_.end();
    const bool of_none = endpoint && is_outside(endpoint->network);
    const bool taken =
        known && (of_none || (network != networks_.end() && (endpoint->shared || is_of_plugins(endpoint->network) ||
                                                             network->second.addresses.take(endpoint->address))));
    if (!taken) {
      (void)::unlink(record_of(name).c_str());
      continue;
    }
    if (endpoint->address6 && network->second.addresses6 && !endpoint->shared)
      (void)network->second.addresses6->take(*endpoint->address6);
    if (further) {
      members_.change(uid).more.push_back(std::move(*endpoint));
      continue;
    }
    claims_.adopt(uid, endpoint->names.empty() ? uid : endpoint->names.front(), endpoint->ports);
    members_.change(uid) = {std::move(*endpoint), {}, {}};
  }
}

void Networks::begin(const std::optional<std::set<std::string>>& pods) {
  for (const auto& each : {services_.settings.networks(), services_.settings.endpoints()})
    runtime::remove_unfinished(each);
  read_networks();
  read_records(pods);
  if (pods) release_leftovers();
  begin_overlay();
  const auto all = all_endpoints();
  const auto is_on_a_bridge = [](const Endpoint& each) { return !each.device.empty(); };
  if (std::any_of(all.begin(), all.end(), is_on_a_bridge)) when_up([](const Status&) {});
}

NetworkThread::Networks Networks::all_networks() const {
  auto all = list();
  std::erase_if(all, [](const NetworkSpec& each) { return !has_bridge(each); });
  return all;
}

std::vector<NetworkSpec> Networks::list() const {
  std::vector<NetworkSpec> all = {networks_.at(kDefaultNetwork).spec};
  for (const auto& [name, network] : networks_) {
    if (name != kDefaultNetwork) all.push_back(network.spec);
  }
  return all;
}

NetworkThread::Endpoints Networks::all_endpoints() const {
  NetworkThread::Endpoints all;
  for (const auto& [uid, member] : members_) {
    if (!is_outside(member.endpoint.network)) all.push_back(member.endpoint);
    all.insert(all.end(), member.more.begin(), member.more.end());
  }
  return all;
}

std::string Networks::network_of(const config::Pod& pod) const {
  if (pod.spec.host_network) return {};
  const std::string asked = annotation_of(pod, "mete/network");
  if (!asked.empty()) return asked == "none" ? std::string() : asked;
  return services_.settings.config.network.pods == DefaultNetwork::kNone ? std::string() : kDefaultNetwork;
}

// Everything that needs a bridge waits for the first one; a failure is tried again by the next that asks.
void Networks::when_up(Done done) {
  if (state_ == State::kUp) return done({});
  waiting_.push_back(std::move(done));
  if (state_ == State::kStarting) return;
  state_ = State::kStarting;
  // After this turn: at its start the agent has to know first where Services lead to.
  asio::post(services_.loop, alive_.guard([this] {
    thread_.bring_up(all_networks(), all_endpoints(), [this](const Status& made) { brought_up(made); });
  }));
}

// True when pods are to start without a network, since this machine will never have one. Told once.
bool Networks::gives_up(const Error& error) {
  if (!is_for_good(error) || services_.settings.config.network.pods != DefaultNetwork::kAutomatic) return false;
  if (!unavailable_.empty()) return true;
  unavailable_ = error.what;
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kNoNetwork),
                        .message = "Pods have no network but their loopback: " + unavailable_});
  return true;
}

void Networks::brought_up(const Status& made) {
  state_ = made ? State::kUp : State::kDown;
  if (made) {
    (void)runtime::replace_file(network_record(kDefaultNetwork), to_json(networks_.at(kDefaultNetwork).spec), 0600,
                                runtime::Durability::volatile_);
    if (const auto watched = watch_.open(); !watched) log_info("not noticed: " + watched.error().what);
    answer_names();
    bring_up_learned();
    verify_soon();
  }
  if (!made) (void)gives_up(made.error());
  for (auto& each : std::exchange(waiting_, {})) each(made);
}

const Endpoint* Networks::endpoint(const std::string& uid) const {
  const auto member = members_.find(uid);
  return member == members_.end() ? nullptr : &member->second.endpoint;
}

std::string Networks::namespace_path(const std::string& uid) const {
  const int inside = namespace_descriptor(uid);
  return inside < 0 ? std::string() : "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(inside);
}

int Networks::namespace_descriptor(const std::string& uid) const {
  const auto member = members_.find(uid);
  return member == members_.end() ? -1 : member->second.inside.get();
}

std::vector<std::string> Networks::addresses(const std::string& uid) const {
  std::vector<std::string> all;
  const Endpoint* const own = endpoint(uid);
  if (own == nullptr) return all;
  if (own->address != config::IpAddress{}) all.push_back(to_string(own->address));
  if (own->address6) all.push_back(to_string(*own->address6));
  return all;
}

void Networks::take_down() {
  if (state_ != State::kUp || !members_.empty()) return;
  state_ = State::kDown;
  watch_.close();
  verify_.cancel();
  thread_.take_down(all_networks(), true, [](const Status&) {});
}

}  // namespace mete::agent
