// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/parent_limits.h"

#include <utility>

#include "runtime/cgroup/limits/refusals.h"

namespace mete::agent {
namespace {

constexpr auto kLimitsEvery = std::chrono::seconds(1);

}  // namespace

std::set<std::string> cgroups_above(std::string path) {
  std::set<std::string> above;
  while (path.find('/', 1) != std::string::npos) {
    path.resize(path.rfind('/'));
    above.insert(path);
  }
  return above;
}

ParentLimits::Watched::Watched(Services& services, runtime::cgroup::Group of)
    : group(std::move(of)),
      events(services, group, LimitEvents::Whose::kAbove,
             [&services](std::string reason, std::string message, LimitEvents::Fields fields) {
               services.events.add({.severity = Severity::kWarning,
                                    .reason = std::move(reason),
                                    .message = std::move(message),
                                    .fields = std::move(fields)});
             }) {
  events.open(true);
}

void ParentLimits::start() {
  const auto parent = runtime::cgroup::Group::at(services_.hierarchies, services_.settings.cgroup_parent);
  if (parent && runtime::cgroup::refusals(*parent, runtime::cgroup::Refusal::kForkLocal)) poll_later();
}

void ParentLimits::poll_later() {
  poll();
  timer_.expires_after(kLimitsEvery);
  timer_.async_wait(alive_.guard([this] { poll_later(); }));
}

std::set<std::string> ParentLimits::above_pods() const {
  std::set<std::string> parents;
  for (const auto& [key, pod] : reconciler_.pods()) {
    const std::string& path = pod->cgroup().path();
    parents.insert(path.substr(0, path.rfind('/')));
  }
  std::set<std::string> above = parents;
  for (const auto& parent : parents) above.merge(cgroups_above(parent));
  return above;
}

void ParentLimits::poll() {
  const auto above = above_pods();
  std::erase_if(watched_, [&](const auto& each) { return !above.contains(each.first); });
  for (const auto& path : above) {
    auto& watched = watched_[path];
    if (watched) {
      watched->events.poll();
    } else if (auto group = runtime::cgroup::Group::at(services_.hierarchies, path)) {
      watched = std::make_unique<Watched>(services_, std::move(*group));
    } else {
      watched_.erase(path);
    }
  }
}

}  // namespace mete::agent
