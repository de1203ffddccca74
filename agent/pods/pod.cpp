// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/pod.h"

#include <unistd.h>

#include <algorithm>

#include "agent/base/digest.h"
#include "agent/base/random.h"
#include "agent/networks/networks.h"
#include "agent/pods/manifests/references.h"
#include "agent/pods/pod_resize.h"
#include "agent/pods/record/pod_identity.h"
#include "enforcers/asked_limits.h"
#include "enforcers/qos.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::Durability;

WallTime now() {
  return std::chrono::system_clock::now();
}

ContainerRecord new_container(const config::Container& container, bool init) {
  ContainerRecord record;
  record.name = container.name;
  record.init = init;
  record.sidecar = container.sidecar;
  record.pre_stop = container.pre_stop;
  record.has_post_start = container.post_start.has_value();
  record.restart = container.restart;
  return record;
}

Result<runtime::cgroup::Group> cgroup_of(const PodRecord& record, const Services& services) {
  const PodPaths paths(services.settings, {record.uid, record.namespace_, record.name, record.cgroup_parent});
  return runtime::cgroup::Group::at(services.hierarchies, paths.cgroup());
}

}  // namespace

Pod::Pod(const PodTools& tools, PodRecord record, runtime::cgroup::Group cgroup, Owner owner)
    : enforcement_(tools.enforcement),
      networks_(tools.networks),
      devices_(tools.devices),
      mounts_(tools.mounts),
      services_(tools.enforcement.services()),
      record_(std::move(record)),
      cgroup_(std::move(cgroup)),
      drift_(services_, cgroup_, *this),
      owner_(std::move(owner)),
      restart_timer_(services_.loop),
      end_timer_(services_.loop),
      deadline_timer_(services_.loop),
      sandbox_ready_(services_.loop),
      sandbox_(services_.loop) {}

Pod::~Pod() {
  release_devices();
}

void Pod::report_drift(std::string message, EventFields fields) {
  report(Severity::kWarning, name_of(Reason::kLimitDrift), "", std::move(message), std::move(fields));
}

Result<std::unique_ptr<Pod>> Pod::create(const PodTools& tools, config::SharedPlan plan, Origin origin, Owner owner) {
  PodRecord record;
  const auto& metadata = plan->pod.metadata;
  // The agent makes the uid even when the manifest has one, because directories are named by it.
  record.uid = new_uid();
  record.namespace_ = metadata.namespace_;
  record.name = metadata.name;
  record.source = plan->pod.location.file;
  record.hash = std::move(origin.hash);
  record.workload = std::move(origin.workload);
  record.users = origin.users;
  record.cgroup_parent = std::move(origin.cgroup_parent);
  record.resources = resources_hash(*plan);
  record.boot_id = tools.enforcement.services().boot_id;
  record.created = now();
  record.grace = plan->pod.spec.termination_grace_period;
  record.gated = !plan->pod.spec.scheduling_gates.empty();
  for (const auto& container : plan->pod.spec.init_containers)
    record.containers.push_back(new_container(container, true));
  for (const auto& container : plan->pod.spec.containers) record.containers.push_back(new_container(container, false));
  record.stopped = origin.stopped;
  for (auto& container : record.containers) {
    if (origin.stopped) container.state = ContainerState::kExited;
  }
  METE_TRY(runtime::cgroup::Group cgroup, cgroup_of(record, tools.enforcement.services()));
  std::unique_ptr<Pod> pod(new Pod(tools, std::move(record), std::move(cgroup), std::move(owner)));
  pod->take(std::move(plan));
  pod->begun_ = true;
  METE_CHECK(runtime::make_directories(pod->directory(), 0700));
  if (auto saved = pod->try_save(Durability::volatile_); !saved) {
    (void)runtime::remove_tree(pod->directory());
    return tl::unexpected(std::move(saved.error()));
  }
  for (std::size_t i = 0; i < pod->record_.containers.size(); ++i)
    pod->containers_.push_back(std::make_unique<Container>(*pod, i));
  return pod;
}

Result<std::unique_ptr<Pod>> Pod::adopt(const PodTools& tools, PodRecord record, Owner owner) {
  METE_TRY(runtime::cgroup::Group cgroup, cgroup_of(record, tools.enforcement.services()));
  std::unique_ptr<Pod> pod(new Pod(tools, std::move(record), std::move(cgroup), std::move(owner)));
  for (std::size_t i = 0; i < pod->record_.containers.size(); ++i)
    pod->containers_.push_back(std::make_unique<Container>(*pod, i));
  return pod;
}

void Pod::adopt_cores() {
  for (auto& container : containers_) container->control().cores().adopt();
}

void Pod::share_cpus() {
  for (auto& container : containers_) container->control().limits().share_cpus();
}

void Pod::begin_adopted() {
  const bool rebooted = record_.boot_id != services_.boot_id;
  if (rebooted) {
    record_.sandbox = {};
  } else if (record_.sandbox.pid == 0) {
    // Its launch may have been recorded only by the launch itself.
    const auto started = runtime::shim::AttemptFiles(paths().sandbox()).started();
    if (started && *started) record_.sandbox = (*started)->id;
  }
  if (record_.sandbox.pid != 0) watch_sandbox();
  // What is found running is not killed before it is known below how long it still has.
  if (is_being_ended()) end_at_ = std::chrono::steady_clock::now() + record_.grace;
  for (auto& container : containers_) container->adopt();
  adopt_network();
  if (plan_ && cgroup_.exists()) {
    limits_ = limits_for(plan_->pod.spec);
    // Settings of an earlier agent, whose reason may be gone: no drift.
    runtime::cgroup::Limits leftover;
    leftover.cpu_idle = limits_.cpu_idle;
    if (limits_.cpu_idle) leftover.cpu_shares = limits_.cpu_shares;  // which the kernel forgets while it is idle
    if (limits_.cpu_bandwidth && limits_.cpu_bandwidth->quota.is_unlimited())
      leftover.cpu_bandwidth = limits_.cpu_bandwidth;
    (void)cgroup_.apply(leftover);
    if (record_.limits_written != digest(limits_, services_.hierarchies)) {
      // As with a container: changed while no agent ran.
      if (const auto applied = cgroup_.apply_each(limits_); !applied)
        report(Severity::kWarning, name_of(Reason::kLimitFailed), "", applied.error().what);
      (void)note_limits();
      save(Durability::volatile_);
    }
    open_cgroup();
    drift_.check();
  }
  begun_ = true;
  if (rebooted) {
    record_.boot_id = services_.boot_id;
    begin_after_reboot(record_);
    save(Durability::volatile_);
  }
  if (record_.terminating) {
    const bool stopped = record_.stopped;
    record_.terminating = false;
    terminate();
    if (stopped) stop(std::nullopt);
  } else if (record_.stopped) {
    record_.stopped = false;
    stop(std::nullopt);
  } else if (!record_.reason.empty()) {
    end_all(record_.grace);
  } else {
    step();
  }
}

void Pod::set_plan(config::SharedPlan plan) {
  const bool policy_changed = plan_ && plan_->policy != plan->policy;
  if (auto resources = resources_hash(*plan); resources != record_.resources) {
    // The manifest speaks last. A record of an agent that knew of no resources is no change.
    for (auto& container : record_.containers) container.update = {};
    record_.bandwidth = {};
    record_.resources = std::move(resources);
  }
  const bool files_differ = !plan_ || plan_->volume_files != plan->volume_files;
  // Who selects it by its labels has no other sign of that.
  if (plan_ && plan_->pod.metadata != plan->pod.metadata)
    services_.turns.add(alive_.guard([this] { owner_.changed(); }));
  take(std::move(plan));
  record_.source = plan_->pod.location.file;
  take_gates();
  for (auto& container : containers_) {
    if (begun_) container->attempt().probes().take_changes();
  }
  retry_references(record_);
  if (files_differ) exchange_files(*this);
  if (policy_changed) {
    for (auto& container : containers_) container->apply_limits();
    if (prepared_ || cgroup_.exists()) {
      if (const Status written = make_room(); !written)
        report(Severity::kWarning, name_of(Reason::kLimitFailed), "", written.error().what);
    }
    report(Severity::kNormal, name_of(Reason::kPolicyChanged), "",
           "A changed policy is applied to the running containers");
  }
  if (begun_) resize_pids();
  if (begun_) try_resize();
  if (begun_) publish_ports();
  if (begun_) hold_bandwidth();
  if (policy_changed) check_bandwidth();
}

void Pod::take_spec(config::PodSpec spec) {
  auto own = std::make_shared<config::PodPlan>(*plan_);
  own->pod.spec = std::move(spec);
  plan_ = std::move(own);
}

void Pod::take(config::SharedPlan plan) {
  manifest_resources_.clear();
  bool same = true;
  for_each_container(plan->pod.spec, [&](std::size_t i, const config::Container& container) {
    auto& own = record_.containers[i];
    manifest_resources_.push_back(container.resources);
    if (!own.resources) own.resources = container.resources;
    same = same && container.resources == *own.resources;
  });
  plan_ = std::move(plan);
  if (!same) {
    config::PodSpec spec = plan_->pod.spec;
    for_each_container(spec, [&](std::size_t i, config::Container& container) {
      container.resources = *record_.containers[i].resources;
    });
    take_spec(std::move(spec));
  }
  begin_resize();
}

config::RestartPolicy Pod::restart_policy() const {
  return plan_ ? plan_->pod.spec.restart_policy : config::RestartPolicy::kNever;
}
PodPhase Pod::phase() const {
  return phase_of(record_, restart_policy());
}

Container* Pod::container(const std::string& name) const {
  for (const auto& container : containers_) {
    if (container->record().name == name) return container.get();
  }
  return nullptr;
}

void Pod::step() {
  note_status();
  if (is_being_ended()) {
    clean_up();
    return;
  }
  if (record_.restarting.holds) return restart_all();
  if (is_finished(record_)) {
    end_sidecars();
    release_devices();
    return;
  }
  if (record_.gated || !plan_ || meet_deadline() || is_held()) return;
  if (resize_) try_resize();
  if (resize_ && resize_->ending) return;  // none begins with the old resources meanwhile
  const auto next = next_steps(record_, now());
  if (next.look_again) step_at(*next.look_again);
  std::vector<std::size_t> ready;
  for (const auto index : next.start) {
    if (const auto waits = waits_for(*plan_, record_.containers[index].name, prepared_)) {
      containers_[index]->attempt().wait_for(waits->event, waits->reason, waits->message);
    } else if (const auto image = wait_of_images(index)) {
      containers_[index]->attempt().wait_for(*image);
    } else {
      ready.push_back(index);
    }
  }
  if (ready.empty() || !ensure_mounts(ready)) return;
  if (!ensure_network()) return prepare_meanwhile();
  if (auto prepared = prepare(); !prepared) {
    for (const auto index : ready) containers_[index]->attempt().not_launched(prepared.error());
    return;
  }
  if (!ensure_sandbox()) return;
  for (const auto index : ready) {
    services_.puller.launched(record_.uid + "/" + record_.containers[index].name);
    containers_[index]->attempt().start();
  }
}

void Pod::step_at(WallTime at) {
  restart_timer_.expires_after(std::max(std::chrono::nanoseconds(0), at - now()) + std::chrono::milliseconds(1));
  restart_timer_.async_wait(alive_.guard([this] { step(); }));
}

}  // namespace mete::agent
