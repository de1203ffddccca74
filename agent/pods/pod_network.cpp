// SPDX-License-Identifier: Apache-2.0
// The pod's network: connected before anything of it starts, and held over restarts of its containers.
#include <fcntl.h>

#include <algorithm>
#include <functional>

#include "agent/networks/networks.h"
#include "agent/pods/pod.h"
#include "enforcers/oom.h"
#include "runtime/file.h"
#include "runtime/pod/name_files.h"

namespace mete::agent {

namespace {

// Containers have the file itself mounted: another one of its name would not be theirs.
Status rewrite(const std::string& path, const std::string& text) {
  METE_TRY(const auto file, runtime::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  return runtime::write_all(file.get(), text);
}

}  // namespace

void Pod::network_moved() {
  if (!plan_ || connected_ != Connected::kYes) return;
  if (const auto written = write_names(NameFiles::kRewritten); !written)
    report(Severity::kWarning, name_of(Reason::kNetworkFailed), "", written.error().what);
  publish_ports();
  hold_bandwidth();
}

bool Pod::ensure_network() {
  if (connected_ == Connected::kYes) {
    const bool runs = record_.sandbox.pid != 0 || std::any_of(containers_.begin(), containers_.end(),
                                                              [](const auto& each) { return each->is_active(); });
    if (runs || !is_of_another(networks_.network_of(plan_->pod))) return true;
    networks_.rejoin(record_.uid, plan_->pod);
    written_names_ = {};
    if (const auto written = write_names(); !written)
      report(Severity::kWarning, name_of(Reason::kNetworkFailed), "", written.error().what);
    return true;
  }
  if (connected_ == Connected::kNo) check_bandwidth();
  if (!networks_.wants(plan_->pod)) connected_ = Connected::kYes;
  if (connected_ == Connected::kYes) return true;
  if (connected_ == Connected::kConnecting) return false;
  connected_ = Connected::kConnecting;
  networks_.connect(record_.uid, plan_->pod, bandwidth(), alive_.guard_value([this](const Status& done) {
    if (connected_ != Connected::kConnecting) return;  // ended meanwhile
    connected_ = done ? Connected::kYes : Connected::kNo;
    const Status written = done ? write_names() : done;
    if (!written) {
      // As of an image that is not there: every container that would start now says why it does not.
      const auto next = next_steps(record_, std::chrono::system_clock::now());
      for (const auto index : next.start) containers_[index]->attempt().not_launched(written.error());
      return;
    }
    step();
  }));
  return false;
}

Result<runtime::UniqueFd> Pod::open_network() const {
  if (record_.sandbox.pid != 0) return open_network_of(record_.sandbox);
  for (const auto& container : record_.containers) {
    if (container.state == ContainerState::kRunning) return open_network_of(container.process);
  }
  return fail("pod " + record_.key() + ": found nothing of it running");
}

bool Pod::is_in_machines_network() const {
  if (plan_->pod.spec.host_network) return true;
  const auto* const endpoint = networks_.endpoint(record_.uid);
  return endpoint != nullptr && endpoint->network == kMachinesNetwork;
}

void Pod::adopt_network() {
  if (networks_.endpoint(record_.uid) == nullptr) return;
  if (record_.sandbox.pid != 0 && networks_.adopt(record_.uid, record_.sandbox)) connected_ = Connected::kYes;
  for (const auto& container : record_.containers) {
    if (connected_ == Connected::kYes || container.state != ContainerState::kRunning) continue;
    if (networks_.adopt(record_.uid, container.process)) connected_ = Connected::kYes;
  }
  // Changed while no agent ran.
  if (plan_) publish_ports();
  if (plan_) hold_bandwidth();
}

void Pod::publish_ports() {
  networks_.publish(record_.uid, plan_->pod, alive_.guard_value([this](const Status& done) {
    if (!done) report(Severity::kWarning, name_of(Reason::kNetworkFailed), "", done.error().what);
  }));
}

// A policy is a bound on what the pod asks for.
runtime::network::Bandwidth Pod::bandwidth() const {
  const auto asked = config::merged(asked_bandwidth(plan_->pod), record_.bandwidth);
  const auto* const policy = enforcers::in_force(plan_->policy ? &*plan_->policy : nullptr);
  return bandwidth_of(policy == nullptr ? asked : config::bounded(asked, policy->network));
}

void Pod::hold_bandwidth() {
  networks_.hold(record_.uid, bandwidth(), alive_.guard_value([this](const Status& done) {
    if (!done) report(Severity::kWarning, name_of(Reason::kNetworkFailed), "", done.error().what);
  }));
}

// Why nothing holds what this pod receives and sends; empty: something does.
std::string Pod::unlimited_network() const {
  if (plan_->pod.spec.host_network)
    return "found a pod in the machine's network, where nothing tells its packets from others', expected one with a "
           "network of its own (netCls marks what it sends, on cgroup v1)";
  if (is_of_another(networks_.network_of(plan_->pod)))
    return "found a pod in the network of another pod, expected the limit with that pod";
  return {};
}

void Pod::check_bandwidth() {
  if (!plan_->policy || plan_->policy->network.empty()) return;
  if (const auto why = unlimited_network(); !why.empty())
    report(Severity::kWarning, name_of(Reason::kNotEnforced), "",
           "Policy " + plan_->policy->metadata.name + ", network: " + why + "; it is not active");
}

Status Pod::update_bandwidth(const config::Bandwidth& bandwidth, bool reset) {
  if (!plan_ || record_.terminating)
    return fail("pod " + record_.key() + ": found it without a manifest or being deleted, expected one that stays");
  if (const auto why = unlimited_network(); !why.empty()) return fail("network-opt: " + why);
  const auto before = record_.bandwidth;
  record_.bandwidth = config::merged(reset ? config::Bandwidth() : before, bandwidth);
  if (auto saved = try_save(runtime::Durability::durable); !saved) {
    record_.bandwidth = before;
    return saved;
  }
  hold_bandwidth();
  return {};
}

// The names that depend on where the pod is. What is as it was written last is not written again.
Status Pod::write_names(NameFiles how) {
  const auto write = [&](const std::string& name, const std::string& text) -> Status {
    auto& written = written_names_[name == "/hosts" ? 0 : 1];
    const auto now = std::hash<std::string>()(text);
    if (written == now) return {};
    const std::string path = paths().etc() + name;
    METE_CHECK(how == NameFiles::kRewritten ? rewrite(path, text)
                                            : runtime::replace_file(path, text, 0644, runtime::Durability::volatile_));
    written = now;
    return {};
  };
  METE_CHECK(runtime::make_directories(paths().etc()));
  const bool machines = is_in_machines_network();
  const auto hosts = [&] {
    // A machine without the file knows no names.
    if (machines)
      return runtime::pod::hosts_text_beside(runtime::read_file(AT_FDCWD, "/etc/hosts").value_or(""), plan_->pod);
    return runtime::pod::hosts_text(plan_->pod, networks_.addresses(record_.uid));
  };
  METE_CHECK(write("/hosts", hosts()));
  // A machine without the file has no resolver.
  std::string machine = runtime::read_file(AT_FDCWD, "/etc/resolv.conf").value_or("");
  const bool own = networks_.endpoint(record_.uid) != nullptr && !machines;
  if (own) machine = runtime::pod::resolver_inside(machine, networks_.resolver(record_.uid));
  if (const auto dns = networks_.resolver_of_plugins(record_.uid)) machine = runtime::network::cni::resolv_text(*dns);
  const auto text = runtime::pod::resolv_text(plan_->pod.spec, machine);
  if (!text && !own) return {};
  return write("/resolv.conf", text.value_or(machine));
}

}  // namespace mete::agent
