// SPDX-License-Identifier: Apache-2.0
// Which devices a container may use: what all may, and what its policy says.
#include "agent/pods/container.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/devices.h"
#include "runtime/process/host_device.h"

namespace mete::agent {

using runtime::cgroup::DeviceRule;

void Container::look_for_devices() {
  devices_.clear();
  const auto* const policy = this->policy();
  if (policy == nullptr || policy->dry_run) return;
  for (const auto* const list : {&policy->devices.allow, &policy->devices.deny}) {
    for (const auto& [path, access] : *list) {
      if (auto device = runtime::process::host_device(path)) {
        devices_[path] = std::move(*device);
      } else {
        pod_.tell(Severity::kWarning, "NotEnforced", record().name,
                  "devices: " + device.error().what + "; it is neither allowed nor denied");
      }
    }
  }
}

std::vector<runtime::process::DeviceSpec> Container::allowed_devices() const {
  std::vector<runtime::process::DeviceSpec> allowed;
  const auto* const policy = this->policy();
  for (const auto& [path, device] : devices_) {
    const auto is_it = [&path = path](const auto& permission) { return permission.path == path; };
    if (policy != nullptr && std::any_of(policy->devices.allow.begin(), policy->devices.allow.end(), is_it))
      allowed.push_back(device);
  }
  return allowed;
}

// A privileged container may use all that is not denied.
std::vector<DeviceRule> Container::base_device_rules() const {
  return spec()->security.privileged ? std::vector<DeviceRule>{{.allow = true}} : std::vector<DeviceRule>();
}

std::vector<DeviceRule> Container::policy_device_rules() const {
  const auto* const policy = this->policy();
  return policy == nullptr || policy->dry_run ? std::vector<DeviceRule>()
                                              : enforcers::device_rules(policy->devices, devices_);
}

Status Container::set_up_devices() {
  auto rules = policy_device_rules();
  if (!spec()->security.privileged || !rules.empty())
    METE_CHECK(runtime::cgroup::apply_device_rules(cgroup_, base_device_rules(), rules));
  device_rules_ = std::move(rules);
  return {};
}

void Container::change_devices() {
  look_for_devices();
  auto rules = policy_device_rules();
  if (device_rules_ == rules) return;
  const auto done = runtime::cgroup::change_device_rules(cgroup_, base_device_rules(), rules);
  if (!done && runtime::cgroup::is_gone(done.error())) return;
  services_.instruments.enforcement("devices", "apply", done ? "done" : "failed");
  if (!done) return pod_.tell(Severity::kWarning, "LimitFailed", record().name, done.error().what);
  device_rules_ = std::move(rules);
}

}  // namespace mete::agent
