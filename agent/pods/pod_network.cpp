// SPDX-License-Identifier: Apache-2.0
// The pod's network: connected before anything of it starts, and held over restarts of its containers.
#include "agent/networks/networks.h"
#include "agent/pods/pod.h"
#include "runtime/file.h"
#include "runtime/pod/name_files.h"

namespace mete::agent {

bool Pod::ensure_network() {
  if (!networks_.wants(plan_->pod)) connected_ = Connected::kYes;
  if (connected_ == Connected::kYes) return true;
  if (connected_ == Connected::kConnecting) return false;
  connected_ = Connected::kConnecting;
  networks_.connect(record_.uid, plan_->pod, alive_.guard_value([this](const Status& done) {
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

void Pod::adopt_network() {
  if (networks_.endpoint(record_.uid) == nullptr) return;
  if (record_.sandbox.pid != 0 && networks_.adopt(record_.uid, record_.sandbox)) connected_ = Connected::kYes;
  for (const auto& container : record_.containers) {
    if (connected_ == Connected::kYes || container.state != ContainerState::kRunning) continue;
    if (networks_.adopt(record_.uid, container.process)) connected_ = Connected::kYes;
  }
  // Changed while no agent ran.
  if (plan_) publish_ports();
}

void Pod::publish_ports() {
  networks_.publish(record_.uid, plan_->pod, alive_.guard_value([this](const Status& done) {
    if (!done) report(Severity::kWarning, name_of(Reason::kNetworkFailed), "", done.error().what);
  }));
}

// The names that depend on where the pod is.
Status Pod::write_names() {
  const auto write = [&](const std::string& name, const std::string& text) {
    return runtime::replace_file(paths_.etc() + name, text, 0644, runtime::Durability::volatile_);
  };
  METE_CHECK(write("/hosts", runtime::pod::hosts_text(plan_->pod, networks_.addresses(record_.uid))));
  // A machine without the file has no resolver.
  std::string machine = runtime::read_file(AT_FDCWD, "/etc/resolv.conf").value_or("");
  const bool own = networks_.endpoint(record_.uid) != nullptr;
  if (own) machine = runtime::pod::resolver_inside(machine, networks_.resolver(record_.uid));
  if (const auto dns = networks_.resolver_of_plugins(record_.uid)) machine = runtime::network::cni::resolv_text(*dns);
  const auto text = runtime::pod::resolv_text(plan_->pod.spec, machine);
  if (!text && !own) return {};
  return write("/resolv.conf", text.value_or(machine));
}

}  // namespace mete::agent
