// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/kept_settings.h"

#include <fcntl.h>

#include <array>
#include <string_view>
#include <utility>

#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

// By controller. A limit that another contains comes before that one.
constexpr std::array<std::pair<std::string_view, std::string_view>, 24> kFiles = {{
    {"memory", "memory.limit_in_bytes"},
    {"memory", "memory.memsw.limit_in_bytes"},
    {"memory", "memory.soft_limit_in_bytes"},
    {"memory", "memory.kmem.tcp.limit_in_bytes"},
    {"memory", "memory.swappiness"},
    {"memory", "memory.max"},
    {"memory", "memory.high"},
    {"memory", "memory.low"},
    {"memory", "memory.min"},
    {"memory", "memory.swap.max"},
    {"memory", "memory.oom.group"},
    {"cpu", "cpu.shares"},
    {"cpu", "cpu.cfs_period_us"},
    {"cpu", "cpu.cfs_quota_us"},
    {"cpu", "cpu.cfs_burst_us"},
    {"cpu", "cpu.rt_period_us"},
    {"cpu", "cpu.rt_runtime_us"},
    {"cpu", "cpu.weight"},
    {"cpu", "cpu.max"},
    {"cpu", "cpu.max.burst"},
    {"cpu", "cpu.idle"},
    {"cpuset", "cpuset.cpus"},
    {"cpuset", "cpuset.mems"},
    {"pids", "pids.max"},
}};

}  // namespace

KeptSettings KeptSettings::of(const Group& group) {
  KeptSettings kept;
  for (const auto& [controller, file] : kFiles) {
    const std::string directory = group.directory(controller);
    if (directory.empty()) continue;
    std::string path = directory + "/" + std::string(file);
    if (auto text = read_file(AT_FDCWD, path)) kept.settings_.push_back({std::move(path), std::move(*text)});
  }
  return kept;
}

Status KeptSettings::put_back() const {
  // A limit and the one that contains it may have to be written in the other order: the second round does that.
  constexpr int kRounds = 2;
  Status done;
  for (int round = 0; round < kRounds; ++round) {
    done = {};
    for (const auto& [path, text] : settings_) {
      const auto now = read_file(AT_FDCWD, path);
      if (now && *now == text) continue;
      if (auto written = write_control(AT_FDCWD, path, text); !written) done = std::move(written);
    }
  }
  return done;
}

}  // namespace mete::runtime::cgroup
