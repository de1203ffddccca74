// SPDX-License-Identifier: Apache-2.0
#include "agent/export/usage_models.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "agent/enforcement/memory_enforcer.h"
#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

constexpr unsigned kSaveEvery = 5;  // samples

// Pods' and containers' names are DNS labels: no '_', no '/'.
std::string file_name(std::string container) {
  std::replace(container.begin(), container.end(), '/', '_');
  return container + ".json";
}

Bytes peak_of(const Container& container, const collectors::Sample& sample) {
  // The enforcer reads usage more often, but its value includes page cache that the working set leaves out.
  const auto working_set = sample.memory.working_set();
  const Bytes now = working_set.value_or(Bytes(0));
  const Bytes usage = sample.memory.usage.value_or(now);
  Bytes most = usage;
  for (const auto& point : container.enforcer().history().points()) most = std::max(most, point.usage);
  return std::max(now, most - (usage - now));
}

}  // namespace

std::string UsageModels::file_of(const std::string& name) const {
  return services_.settings.usage() + "/" + file_name(name);
}

void UsageModels::start() {
  const auto tell = [&](const std::string& what) {
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kUsageUnreadable), .message = what});
  };
  if (const auto made = runtime::make_directories(services_.settings.usage(), 0700); !made) tell(made.error().what);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(services_.settings.usage(), ignored)) {
    const std::string path = entry.path();
    if (!path.ends_with(".json")) {
      (void)::unlink(path.c_str());  // left by an agent that died while writing
      continue;
    }
    const auto text = runtime::read_file(AT_FDCWD, path);
    auto named = text ? parse_usage_model(*text) : tl::unexpected(text.error());
    if (!named) {
      tell(path + ": " + named.error().what + "; what it held is measured anew");
      continue;
    }
    models_[named->container].model = std::move(named->model);
  }
  forget_old();
  poll_later();
}

void UsageModels::poll_later() {
  timer_.expires_after(services_.settings.usage_every);
  timer_.async_wait(alive_.guard([this] {
    // One container per turn of the loop: a thousand must not delay an OOM.
    for (const auto& [key, pod] : reconciler_.pods()) {
      for (const auto& container : pod->containers()) {
        services_.turns.add(alive_.guard([this, key = key, name = container->record().name] { sample(key, name); }));
      }
    }
    forget_old();
    poll_later();
  }));
}

void UsageModels::sample(const std::string& pod_key, const std::string& name) {
  const Pod* const pod = reconciler_.find(pod_key);
  Container* const container = pod == nullptr ? nullptr : pod->container(name);
  if (container == nullptr || container->record().init || container->record().state != ContainerState::kRunning) return;
  const std::string key = pod_key + "/" + name;
  const auto sample = container->read();
  if (!sample.cpu.usage) return;
  auto& kept = models_[key];
  const auto now = std::chrono::steady_clock::now();
  const auto throttled = sample.cpu.throttled.value_or(std::chrono::nanoseconds(0));
  // A group inside that has reached its own limit says nothing of the container's.
  const auto& by_scope = container->record().oom_kills_by_scope;
  const auto nested = by_scope.find("nested");
  const std::uint64_t ooms =
      container->oom_kills() - (nested == by_scope.end() ? 0 : nested->second) + container->record().policy_kills;
  const auto before = std::exchange(kept.at, now);
  const auto cpu_before = std::exchange(kept.cpu, *sample.cpu.usage);
  const auto throttled_before = std::exchange(kept.throttled, throttled);
  const auto ooms_before = std::exchange(kept.ooms, ooms);
  if (const auto& resources = container->record().resources) kept.model.resources = *resources;
  // The first sample only sets the counters. Counters that went back belong to a pod that was made anew.
  if (before == std::chrono::steady_clock::time_point() || kept.cpu < cpu_before || ooms < ooms_before ||
      throttled < throttled_before)
    return;
  const std::chrono::nanoseconds over = now - before;
  const auto cores = [&](std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time) / std::chrono::duration<double>(over);
  };
  kept.model.add({.at = std::chrono::system_clock::now(),
                  .over = over,
                  .cores = cores(kept.cpu - cpu_before),
                  .throttled_cores = cores(throttled - throttled_before),
                  .memory = peak_of(*container, sample),
                  .ooms = ooms - ooms_before});
  if (++kept.unsaved >= kSaveEvery) save(key, kept);
}

void UsageModels::save(const std::string& name, Kept& kept) {
  kept.unsaved = 0;
  const auto text = to_json(kept.model, name).dump() + "\n";
  const auto saved = runtime::replace_file(file_of(name), text, 0600, runtime::Durability::volatile_);
  if (!saved && !save_failed_)
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kUsageNotSaved), .message = saved.error().what});
  save_failed_ = !saved;
}

void UsageModels::save_all() {
  for (auto& [name, kept] : models_) {
    if (kept.unsaved > 0) save(name, kept);
  }
}

void UsageModels::forget_old() {
  const auto oldest = std::chrono::system_clock::now() - kKept;
  std::erase_if(models_, [&](const auto& each) {
    const auto& model = each.second.model;
    if (model.samples == 0 || model.last >= oldest) return false;
    (void)::unlink(file_of(each.first).c_str());
    return true;
  });
}

std::string UsageModels::as_lines() const {
  std::string lines;
  for (const auto& [name, kept] : models_) {
    if (kept.model.samples > 0) lines += to_json(kept.model, name).dump() + "\n";
  }
  return lines;
}

}  // namespace mete::agent
