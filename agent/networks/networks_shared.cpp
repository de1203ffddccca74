// SPDX-License-Identifier: Apache-2.0
// Pods in the network namespace of another pod.
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "config/model/objects.h"
#include "runtime/file.h"
#include "runtime/process/namespace_of.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;

// "container:web" of a pod in namespace default: "default/web".
std::string other_of(const config::Pod& pod, const std::string& network) {
  const std::string name = network.substr(kOfAnother.size());
  return name.find('/') == std::string::npos ? pod.metadata.namespace_ + "/" + name : name;
}

Result<bool> is_machines(const runtime::UniqueFd& space) {
  struct ::stat own {};
  struct ::stat other {};
  if (::stat("/proc/self/ns/net", &own) != 0 || ::fstat(space.get(), &other) != 0)
    return fail_errno("look at a network namespace");
  return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

// As with hostNetwork: the machine's own settings, and no user namespace, whose root would have no right to it.
Status may_be_in_machines(const config::Pod& pod, const std::string& other) {
  const std::string begin = "network container:" + other + ": found a pod in the machine's network, expected ";
  for (const auto& [name, value] : pod.spec.security->sysctls) {
    if (name.starts_with("net.")) return fail(begin + "no setting " + name + " with it");
  }
  return pod.spec.host_users ? Status() : fail(begin + "no user namespace of the pod's own (hostUsers: false) with it");
}

}  // namespace

Result<runtime::UniqueFd> open_network_of(const runtime::process::ProcessId& process) {
  return runtime::process::open_namespace_of(process, "net");
}

// That of a pod which has one needs no bridge.
void Networks::connect_with(const std::string& uid, const config::Pod& pod, Done done) {
  auto shared = share(uid, pod);
  // Of one that is being connected it is there when the first bridge is.
  const bool is_waited_for = !shared && find_pod(other_of(pod, network_of(pod))) != members_.end();
  if (!is_waited_for) return done(std::move(shared));
  when_up([this, uid, pod, done = std::move(done)](const Status&) { done(share(uid, pod)); });
}

void Networks::rejoin(const std::string& uid, const config::Pod& pod) {
  const auto member = members_.find(uid);
  if (member != members_.end() && member->second.endpoint.shared) (void)share(uid, pod);
}

// As the other's own endpoint says it, or, of one that is in no network of this agent's, as its namespace does.
Result<Member> Networks::shared_with(const config::Pod& pod) {
  const std::string key = other_of(pod, network_of(pod));
  const std::string missing =
      "network container:" + key + ": found no pod " + key + " with a network of its own, expected one that runs";
  const auto other = find_pod(key);
  Member member;
  if (other != members_.end()) {
    if (!other->second.inside.valid()) return fail(missing);
    member.endpoint = other->second.endpoint;
    member.inside = runtime::UniqueFd(::fcntl(other->second.inside.get(), F_DUPFD_CLOEXEC, 0));
    if (!member.inside.valid()) return fail_errno("take the network of " + key);
  } else {
    auto inside = find_namespace_ ? find_namespace_(key) : fail(missing);
    if (!inside) return fail(missing);
    METE_TRY(const bool machines, is_machines(*inside));
    member.endpoint.network = machines ? kMachinesNetwork : kNoNetwork;
    member.inside = std::move(*inside);
  }
  if (member.endpoint.network == kMachinesNetwork) METE_CHECK(may_be_in_machines(pod, key));
  return member;
}

Status Networks::share(const std::string& uid, const config::Pod& pod) {
  METE_TRY(Member member, shared_with(pod));
  if (!published_ports(pod).empty())
    return fail("hostPort: found a pod in the network of " + other_of(pod, network_of(pod)) +
                ", expected the ports with that pod");
  Endpoint& endpoint = member.endpoint;
  endpoint.shared = true;
  endpoint.bandwidth = {};  // it is held once
  endpoint.ports.clear();
  endpoint.names = {config::full_name(pod.metadata)};
  METE_CHECK(runtime::replace_file(record_of(uid), to_json(endpoint), 0600, runtime::Durability::volatile_));
  members_.change(uid) = std::move(member);
  return {};
}

// The network of a pod ends, and those that share it have no address any more.
void Networks::forget_sharers(const Endpoint& endpoint) {
  if (endpoint.shared) return;
  for (const auto& [uid, member] : members_) {
    const Endpoint& each = member.endpoint;
    if (!each.shared || each.network != endpoint.network || each.address != endpoint.address) continue;
    Endpoint& left = members_.change(uid).endpoint;
    left.address = {};
    left.address6.reset();
  }
}

}  // namespace mete::agent
