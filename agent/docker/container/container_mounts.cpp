// SPDX-License-Identifier: Apache-2.0
// What is mounted on the machine for a container from its start to its end (held_mounts.h), over its restarts.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "agent/docker/container/containers.h"
#include "agent/docker/create/pod_of.h"

namespace mete::agent::docker {
namespace {

bool are_mounted(const std::vector<HeldMount>& mounts) {
  return std::all_of(mounts.begin(), mounts.end(), is_mounted);
}

}  // namespace

std::vector<HeldMount> Containers::mounts_to_hold(const ContainerRecord& record) const {
  std::vector<HeldMount> held;
  const auto mounts = mounts_of(record.config, record.host_config);
  for (const auto& each : mounts ? *mounts : std::vector<MountAsked>()) {
    if (each.type != "volume") continue;
    if (auto mount = volumes_.mount_of(each.source)) held.push_back(std::move(*mount));
  }
  if (shared_memory_owner(record, {}) == record.id) {
    held.push_back({shared_memory_folder() + "/" + record.id, "tmpfs", "shm",
                    "nosuid,nodev,noexec,mode=1777,size=" + std::to_string(number_of(record.host_config, "ShmSize"))});
  }
  return held;
}

bool Containers::lacks_mounts(const ContainerRecord& record) {
  const auto mounts = mounts_to_hold(record);
  // Also what is mounted for another one already.
  if (!mounts.empty()) seen_[record.id].holds = true;
  return !are_mounted(mounts);
}

// One after the other: two threads would mount one thing twice, and a server that does not answer takes one thread.
void Containers::hold_mounts(const std::string& id, std::function<void(const Status&)> done) {
  mounting_.push_back({id, std::move(done)});
  if (mounting_.size() == 1) mount_next();
}

void Containers::mount_next() {
  const auto at = records_.find(mounting_.front().id);
  const auto mounts = std::make_shared<std::vector<HeldMount>>();
  if (at != records_.end()) *mounts = mounts_to_hold(at->second);
  const auto result = std::make_shared<Status>();
  services_.workers.run([mounts, result] { *result = mount_all(*mounts); }, alive_.guard([this, mounts, result] {
    const Mounting first = std::move(mounting_.front());
    mounting_.pop_front();
    if (!mounting_.empty()) mount_next();
    if (!records_.contains(first.id)) {
      for (const auto& each : *mounts) release_mount(each.path);  // removed meanwhile
    }
    first.done(*result);
  }));
}

// Of a container that has ended or is gone.
void Containers::release_mounts(const ContainerRecord& record) {
  if (const auto at = seen_.find(record.id); at != seen_.end()) {
    if (!at->second.holds) return;
    at->second.holds = false;
  }
  for (const auto& each : mounts_to_hold(record)) release_mount(each.path);
}

void Containers::release_mount(const std::string& path) {
  const bool is_used = std::any_of(records_.begin(), records_.end(), [&](const auto& each) {
    const Pod* const own = pod(each.second);
    if (own == nullptr || (own->record().stopped && !own->containers().front()->is_active())) return false;
    const auto mounts = mounts_to_hold(each.second);
    return std::any_of(mounts.begin(), mounts.end(), [&](const HeldMount& mount) { return mount.path == path; });
  });
  if (is_used) return;
  if (const auto done = unmount_held(path); !done) {
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kCleanUpFailed), .message = done.error().what});
  }
}

// What an agent that was killed has left mounted.
void Containers::sweep_mounts() {
  for (const auto& [id, record] : records_) {
    seen_[id].holds = !mounts_to_hold(record).empty();
    const Pod* const own = pod(record);
    if (own == nullptr || (own->record().stopped && !own->containers().front()->is_active())) release_mounts(record);
  }
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(shared_memory_folder(), ignored)) {
    if (!records_.contains(entry.path().filename().string())) release_mount(entry.path().string());
  }
}

// As with docker, a container whose mounts are not to be had is one that was never started.
void Containers::fail_start(const std::string& id, const std::string& why) {
  ContainerRecord& record = records_.at(id);
  record.error = why;
  (void)save(record);
  ++seen_[id].ends;  // for who waits, a start that failed is an end
  Pod* const own = pod(record);
  if (own != nullptr && flag_of(record.host_config, "AutoRemove")) {
    seen_[id].remove_volumes = true;
    own->terminate(std::chrono::seconds(0));
  } else if (own != nullptr) {
    own->stop(std::chrono::seconds(0));
  }
  call_watchers(id);
}

void Containers::start_with_mounts(const std::string& id, Done done) {
  hold_mounts(id, [this, id, done](const Status& mounted) {
    if (!records_.contains(id)) return done(Refusal{404, "No such container: " + id});
    if (mounted) return start(id, done);
    fail_start(id, mounted.error().what);
    done(Refusal{500, mounted.error().what});
  });
}

// After a start of the machine: what a restart policy starts again has no plan before its mounts are there.
void Containers::begin_without_plan(const std::string& id) {
  const Pod& waiting = *pod(records_.at(id));
  // Nothing that runs is ended because it cannot be planned.
  const bool runs = waiting.record().boot_id == services_.boot_id && waiting.containers().front()->is_active();
  if (runs || waiting.record().stopped || std::exchange(seen_[id].begins_without_plan, true)) return;
  hold_mounts(id, [this, id](const Status& mounted) {
    if (!records_.contains(id)) return;
    seen_[id].begins_without_plan = false;
    Pod* const own = pod(records_.at(id));
    auto plan = mounted ? plan_for(records_.at(id)) : tl::unexpected(mounted.error());
    if (!plan) return fail_start(id, plan.error().what);
    if (own == nullptr) return;
    own->set_plan(std::make_shared<const config::PodPlan>(std::move(*plan)));
    own->stop(std::chrono::seconds(0));
    const std::string policy = text_of(field(records_.at(id).host_config, "RestartPolicy"), "Name");
    if (!policy.empty() && policy != "no") start(id, [](const std::optional<Refusal>&) {});
  });
}

}  // namespace mete::agent::docker
