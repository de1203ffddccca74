// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_devices.h"

#include <algorithm>

#include "agent/pods/device_book.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"
#include "runtime/process/host_device.h"

namespace mete::agent {

using runtime::cgroup::DeviceRule;

Status ContainerDevices::find() {
  find_policys();
  asked_.clear();
  Status all_there;
  if (slot_.spec() == nullptr) return all_there;
  for (const auto& wish : slot_.spec()->extras->devices) {
    auto nodes = runtime::process::asked_devices(wish.path, wish.inside);
    if (!nodes) {
      all_there = tl::unexpected(std::move(nodes.error()));
      continue;
    }
    for (auto& node : *nodes) asked_.push_back({std::move(node), wish.access});
  }
  if (auto given = find_cdi(); !given) all_there = std::move(given);
  return all_there;
}

Status ContainerDevices::find_cdi() {
  cdi_ = {};
  std::vector<std::string> names = slot_.record().devices;
  const auto& asked = slot_.spec()->extras->cdi_devices;
  names.insert(names.end(), asked.begin(), asked.end());
  if (names.empty()) return {};
  METE_TRY(cdi_.edits, slot_.pod().devices().devices().edits(names));
  METE_TRY(cdi_.nodes, runtime::pod::find_cdi_nodes(cdi_.edits));
  for (const auto& each : cdi_.nodes) asked_.push_back({each.device, each.access});
  return {};
}

void ContainerDevices::find_policys() {
  devices_.clear();
  const auto* const policy = slot_.policy_in_force();
  if (policy == nullptr) return;
  for (const auto* const list : {&policy->devices.allow, &policy->devices.deny}) {
    for (const auto& [path, access] : *list) {
      if (auto device = runtime::process::host_device(path)) {
        devices_[path] = std::move(*device);
      } else {
        slot_.warn(Reason::kNotEnforced, "devices: " + device.error().what + "; it is neither allowed nor denied");
      }
    }
  }
}

std::vector<runtime::process::DeviceSpec> ContainerDevices::allowed() const {
  std::vector<runtime::process::DeviceSpec> allowed;
  const auto* const policy = slot_.policy();
  for (const auto& [path, device] : devices_) {
    const auto is_it = [&path = path](const auto& permission) { return permission.path == path; };
    if (policy != nullptr && std::any_of(policy->devices.allow.begin(), policy->devices.allow.end(), is_it))
      allowed.push_back(device);
  }
  return allowed;
}

Result<std::vector<runtime::process::DeviceSpec>> ContainerDevices::nodes() const {
  std::vector<runtime::process::DeviceSpec> nodes;
  // What it asks for itself at a path comes first.
  const auto add = [&nodes](const std::vector<runtime::process::DeviceSpec>& more) {
    for (const auto& device : more) {
      const auto same = [&](const auto& other) { return other.path == device.path; };
      if (std::none_of(nodes.begin(), nodes.end(), same)) nodes.push_back(device);
    }
  };
  for (const auto& each : asked_) add({each.node});
  add(allowed());
  if (!slot_.spec()->security->privileged) return nodes;
  METE_TRY(const auto all, runtime::process::host_devices("/dev"));
  add(all);
  return nodes;
}

// A privileged container may use all that is not denied.
std::vector<DeviceRule> ContainerDevices::base_rules() const {
  if (slot_.spec()->security->privileged) return std::vector<DeviceRule>{{.allow = true}};
  const auto& extras = slot_.spec()->extras;
  if (extras->device_ranges.empty() && extras->devices.empty() && asked_.empty()) return {};
  // Rules that do not begin with all of them would change what the cgroup is made with: everything is allowed.
  std::vector<DeviceRule> rules = {{.allow = false}};
  for (auto& each : enforcers::device_rules(extras->device_ranges)) rules.push_back(std::move(each));
  for (const auto& [node, access] : asked_) {
    if (!access.empty()) rules.push_back(enforcers::device_rule(node, access));
  }
  return rules;
}

std::vector<DeviceRule> ContainerDevices::policy_rules() const {
  const auto* const policy = slot_.policy_in_force();
  return policy == nullptr ? std::vector<DeviceRule>() : enforcers::device_rules(policy->devices, devices_);
}

Status ContainerDevices::set_up() {
  auto rules = policy_rules();
  // Without a rule of anybody's a privileged container keeps what its cgroup is made with: all.
  if (!slot_.spec()->security->privileged || !rules.empty())
    METE_CHECK(runtime::cgroup::apply_device_rules(group_, base_rules(), rules));
  rules_ = std::move(rules);
  return {};
}

std::vector<DeviceRule> ContainerDevices::rules() const {
  const auto last = policy_rules();
  if (slot_.spec()->security->privileged && last.empty()) return {};
  return runtime::cgroup::all_device_rules(base_rules(), last);
}

void ContainerDevices::reconcile() {
  // One that has been unplugged meanwhile needs no rule.
  (void)find();
  auto rules = policy_rules();
  if (rules_ == rules) return;
  const auto done = runtime::cgroup::change_device_rules(group_, base_rules(), rules);
  if (!done && runtime::cgroup::is_gone(done.error())) return;
  slot_.services().instruments.enforcement("devices", "apply", done ? "done" : "failed");
  if (!done) return slot_.warn(Reason::kLimitFailed, done.error().what);
  rules_ = std::move(rules);
}

}  // namespace mete::agent
