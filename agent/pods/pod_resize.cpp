// SPDX-License-Identifier: Apache-2.0
// Changing what a pod's containers are allotted while they run: all of it or none.
//
// A memory limit below what is used is not written: v2 would kill, v1 would reclaim while everything else waits for the
// loop. It is reclaimed for on a thread, waited for, and after kPatience refused: then all is as it was.
#include "agent/pods/pod_resize.h"

#include "agent/enforcement/enforcement.h"
#include "enforcers/asked_limits.h"
#include "enforcers/qos.h"
#include "enforcers/resize.h"
#include "runtime/cgroup/memory/reclaim.h"

namespace mete::agent {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kSlowest = std::chrono::milliseconds(500);

}  // namespace

std::optional<Pod::Resizing> Pod::resizing() const {
  if (!resize_) return std::nullopt;
  return Resizing{resize_->refused, resize_->why};
}

Status Pod::update(const std::string& name, const enforcers::ResourceUpdate& update, bool reset) {
  if (!plan_ || record_.terminating)
    return fail("pod " + record_.key() + ": found it without a manifest or being deleted, expected one that stays");
  std::vector<enforcers::ResourceUpdate> before;
  std::vector<enforcers::ResourceUpdate> after;
  for (const auto& each : record_.containers) before.push_back(each.update);
  Status valid;
  auto spec = plan_->pod.spec;
  for_each_container(spec, [&](std::size_t i, config::Container& container) {
    after.push_back(before[i]);
    if (!name.empty() ? container.name != name : record_.containers[i].init) return;
    after[i] = enforcers::merged(reset ? enforcers::ResourceUpdate() : before[i], update);
    // Over what the manifest says, not over an earlier update: that is merged in.
    auto changed = enforcers::updated(manifest_resources_[i], after[i]);
    if (!changed) {
      if (valid) valid = fail("container " + container.name + ": " + changed.error().what);
      return;
    }
    container.resources = std::move(*changed);
  });
  METE_CHECK(std::move(valid));
  const auto qos = enforcers::qos_of(plan_->pod.spec);
  if (enforcers::qos_of(spec) != qos) {
    return fail("pod " + record_.key() + ": the change would make its QoS class " +
                std::string(enforcers::to_string(enforcers::qos_of(spec))) + ", found " +
                std::string(enforcers::to_string(qos)) +
                ", which is fixed while it runs; change the manifest, with which it is made anew");
  }
  for (std::size_t i = 0; i < after.size(); ++i) record_.containers[i].update = after[i];
  if (auto saved = try_save(runtime::Durability::durable); !saved) {
    for (std::size_t i = 0; i < before.size(); ++i) record_.containers[i].update = before[i];
    return saved;
  }
  begin_resize();
  if (resize_) resize_->before = std::move(before);
  try_resize();
  return {};
}

void Pod::begin_resize() {
  resize_.reset();
  resize_error_.clear();
  auto wanted = plan_->pod.spec;
  bool changed = false;
  std::vector<config::Resources> to;
  for_each_container(wanted, [&](std::size_t i, config::Container& container) {
    to.push_back(
        enforcers::updated(manifest_resources_[i], record_.containers[i].update).value_or(manifest_resources_[i]));
    changed = changed || container.resources != to[i];
    container.resources = to[i];
  });
  // The parent's protection bounds what a pod's can be, so it may be ahead of it.
  const auto limits = enforcers::pod_limits(wanted, services_.hierarchies);
  memory_request_ = limits.memory_min ? limits.memory_min->value() : Bytes(0);
  if (!changed) return;
  resize_ = std::make_unique<Resize>(services_.loop);
  resize_->to = std::move(to);
  resize_->give_up = std::chrono::steady_clock::now() + kPatience;
}

void Pod::end_for_resize() {
  resize_->ending = false;
  for_each_container(plan_->pod.spec, [&](std::size_t i, const config::Container& container) {
    auto& attempt = containers_[i]->attempt();
    const auto& own = record_.containers[i];
    if (own.state != ContainerState::kRunning || !enforcers::takes_restart(container, resize_->to[i])) return;
    const bool told = own.restart_wanted;
    if (!attempt.restart({})) return;
    resize_->ending = true;
    if (!told)
      report(Severity::kNormal, name_of(Reason::kKilling), container.name,
             "Container " + container.name + " resize requires restart");
  });
}

void Pod::try_resize() {
  if (!resize_ || resize_->reclaiming || record_.terminating) return;
  // Whoever is told to end has its new resources once it has ended: step() comes back then.
  end_for_resize();
  if (resize_->ending) return;
  auto to = plan_->pod.spec;
  for_each_container(to, [&](std::size_t i, config::Container& container) { container.resources = resize_->to[i]; });
  const Status done = resize_now(to);
  if (done) return resized(to);
  if (resize_->refused) return;  // told already; tried because a container has ended
  const bool busy = runtime::cgroup::is_busy(done.error());
  if (!busy || std::chrono::steady_clock::now() >= resize_->give_up) return refuse_resize(done.error());
  wait_to_resize(done.error());
}

Status Pod::resize_now(const config::PodSpec& to) {
  Status fits;
  for_each_container(to, [&](std::size_t i, const config::Container& container) {
    const auto& limit = container.resources.limits.memory;
    // A container that has ended leaves only page cache, which the kernel reclaims at once.
    if (!fits || !limit || !containers_[i]->is_active()) return;
    const auto above = containers_[i]->control().limits().memory_above(*limit);
    if (!above) return;
    fits = fail("container " + container.name + " uses " + std::to_string((*limit + *above).count()) +
                " bytes of memory, which is more than the new limit of " + std::to_string(limit->count()) + " bytes");
    fits.error().code = runtime::cgroup::kBusy;
  });
  METE_CHECK(std::move(fits));
  const auto own = limits_;
  const bool has_cgroup = cgroup_.exists();
  if (has_cgroup) METE_CHECK(write_limits(enforcers::widest(own, limits_for(to))));
  std::vector<Allotment> before;
  Status done;
  for_each_container(to, [&](std::size_t i, const config::Container& container) {
    if (!done) return;
    before.push_back(containers_[i]->control().limits().allotment());
    done = containers_[i]->control().limits().resize(container);
  });
  // With what containers have been raised to: a new limit ends that.
  if (done && has_cgroup) done = write_limits(limits_for(to));
  if (done) return {};
  for (std::size_t i = before.size(); i-- > 0;) containers_[i]->control().limits().undo_resize(before[i]);
  if (has_cgroup) (void)write_limits(own);
  return done;
}

void Pod::resized(const config::PodSpec& to) {
  std::vector<std::pair<std::string, std::string>> changes;
  for_each_container(plan_->pod.spec, [&](std::size_t i, const config::Container& container) {
    const auto text = enforcers::describe_change(container.resources, resize_->to[i]);
    if (!text.empty()) changes.emplace_back(container.name, text);
    record_.containers[i].resources = resize_->to[i];
  });
  take_spec(to);
  resize_.reset();
  resize_error_.clear();
  save(runtime::Durability::durable);
  for (const auto& [name, change] : changes) {
    container(name)->control().resized();
    report(Severity::kNormal, name_of(Reason::kResized), name, "Container " + name + " goes on with " + change,
           {{"change", change}});
  }
}

void Pod::wait_to_resize(const Error& error) {
  if (resize_->why.empty()) {
    report(Severity::kNormal, name_of(Reason::kResizeWaits), "",
           "Its new resources wait: " + error.what + "; what can be is reclaimed, and it is tried for " +
               std::to_string(std::chrono::seconds(kPatience).count()) + " s");
  }
  resize_->why = error.what;
  resize_->timer.expires_after(resize_->delay);
  resize_->delay = std::min<std::chrono::milliseconds>(2 * resize_->delay, kSlowest);
  resize_->timer.async_wait(alive_.guard([this, resize = resize_.get()] {
    if (resize != resize_.get()) return;
    reclaim_for_resize();
    try_resize();
  }));
}

void Pod::refuse_resize(const Error& error) {
  services_.instruments.enforcement("limits", "resize", "failed");
  const bool by_update = !resize_->before.empty();
  report(Severity::kWarning, name_of(Reason::kResizeRefused), "",
         "Its resources stay as they are: " + error.what +
             (by_update ? "" : "; the manifest's are taken when that container ends"));
  resize_error_ = error.what;
  if (!by_update) {
    resize_->refused = true;
    resize_->why = error.what;
    return;
  }
  // A command that was refused is not carried out later behind its caller's back; what waited before it does again.
  for (std::size_t i = 0; i < resize_->before.size(); ++i) record_.containers[i].update = resize_->before[i];
  const std::string why = error.what;
  save(runtime::Durability::durable);
  begin_resize();
  resize_error_ = why;
  if (!resize_) return;
  resize_->refused = true;
  resize_->why = why;
}

void Pod::reclaim_for_resize() {
  for_each_container(plan_->pod.spec, [&](std::size_t i, const config::Container& /*container*/) {
    const auto& limit = resize_->to[i].limits.memory;
    if (resize_->reclaiming || !limit || !containers_[i]->control().limits().memory_above(*limit)) return;
    resize_->reclaiming = true;
    services_.workers.run([group = containers_[i]->cgroup(), target = *limit,
                           stop = resize_->stop] { (void)runtime::cgroup::reclaim(group, target, *stop); },
                          alive_.guard([this, resize = resize_.get()] {
                            if (resize != resize_.get()) return;
                            resize_->reclaiming = false;
                            try_resize();
                          }));
  });
}

}  // namespace mete::agent
