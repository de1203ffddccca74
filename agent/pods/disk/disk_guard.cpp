// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/disk/disk_guard.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace mete::agent {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(10);  // the kubelet's monitoring interval
constexpr auto kWhileWalking = std::chrono::milliseconds(50);
constexpr collectors::UsageWalkOptions kWalk = {
    .entries = 2'000, .time = std::chrono::milliseconds(2), .duty = 0.02, .every = kLookEvery};

// With those that rotation has put aside.
Bytes log_bytes(const std::string& log) {
  Bytes sum(0);
  std::error_code ignored;
  const std::filesystem::path path(log);
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path(), ignored)) {
    struct stat info {};
    const std::string name = entry.path().filename().string();
    if (name != path.filename() && !name.starts_with(path.filename().string() + ".")) continue;
    if (::lstat(entry.path().c_str(), &info) == 0) sum += Bytes(info.st_blocks * 512);
  }
  return sum;
}

}  // namespace

void DiskGuard::look() {
  walking_ = false;
  seen_.clear();
  for (const auto& [key, pod] : reconciler_.pods()) look_at(*pod);
  std::erase_if(walkers_,
                [this](const auto& each) { return std::find(seen_.begin(), seen_.end(), each.first) == seen_.end(); });
  timer_.expires_after(walking_ ? std::chrono::milliseconds(kWhileWalking) : std::chrono::milliseconds(kLookEvery));
  timer_.async_wait(alive_.guard([this] { look(); }));
}

void DiskGuard::look_at(Pod& pod) {
  if (pod.plan() == nullptr || pod.is_ending() || !has_disk_limits(pod.plan()->pod.spec)) return;
  const auto& spec = pod.plan()->pod.spec;
  DiskUse use;
  for (const auto& volume : spec.volumes) {
    const auto* empty = std::get_if<config::EmptyDirVolume>(&volume.source);
    if (empty == nullptr || empty->memory) continue;
    if (const auto bytes = measure(pod.paths().volumes().disk + "/" + volume.name)) use.volumes[volume.name] = *bytes;
  }
  for (const auto& container : pod.containers()) {
    const auto bytes = layer_bytes(container->attempt());
    if (bytes) use.containers[container->record().name] = *bytes + log_bytes(pod.paths().log(container->record().name));
  }
  if (const auto why = over_disk_limit(spec, use)) pod.evict(*why);
}

std::optional<Bytes> DiskGuard::layer_bytes(const Attempt& attempt) {
  if (attempt.has_layer_quota()) return Bytes(0);  // the quota holds it
  const auto bytes = measure(attempt.writable_layer());
  if (!bytes || attempt.base_of_layer().empty()) return bytes;
  const auto base = measure(attempt.base_of_layer());
  if (!base) return std::nullopt;
  return *bytes > *base ? *bytes - *base : Bytes(0);
}

std::optional<Bytes> DiskGuard::measure(const std::string& directory) {
  auto at = walkers_.find(directory);
  if (at == walkers_.end()) {
    auto walker = collectors::UsageWalker::open(directory, kWalk);
    if (!walker) return std::nullopt;  // not made yet
    at = walkers_.emplace(directory, std::move(*walker)).first;
  }
  seen_.push_back(directory);
  auto& walker = at->second;
  const auto now = collectors::UsageWalker::Clock::now();
  (void)walker.step(now);
  walking_ = walking_ || walker.due() < now + kLookEvery / 2;
  const auto& usage = walker.usage();
  return usage ? usage->usage : std::nullopt;
}

}  // namespace mete::agent
