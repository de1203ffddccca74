// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/control_lines.h"

#include <cerrno>
#include <string>

#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/limits/control_write.h"
#include "runtime/cgroup/limits/refusals.h"
#include "runtime/cgroup/limits/single_settings.h"
#include "runtime/cgroup/limits/undo.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/memory/oom_kills.h"

namespace mete::runtime::oci {
namespace {

// `carry_out` takes the write.
template <class Function>
Status write_lines(const cgroup::Group& group, const std::vector<ControlLine>& lines, Function&& carry_out) {
  for (const auto& line : lines) {
    const auto write = cgroup::single_write(group.hierarchies(), {line.controller, line.v1_file, line.v2_file},
                                            line.v1_text, line.v2_text);
    if (!write) return fail_in(line.field, write.error());
    if (auto written = carry_out(*write); !written) return fail_in(line.field, std::move(written.error()));
  }
  return {};
}

Result<cgroup::Limits> try_change(const cgroup::Group& group, const Resources& resources, cgroup::UndoLog& log) {
  const auto present = group.present(cgroup::asked_about(resources.limits, resources.partial));
  METE_TRY(cgroup::Limits limits, cgroup::completed(resources.limits, resources.partial, group.hierarchies(), present));
  cgroup::keep_weight_over_idle(group, limits);
  METE_CHECK(group.apply(limits, log));
  METE_CHECK(write_lines(group, resources.lines, [&](const auto& write) { return log.write(write); }));
  if (!resources.device_rules.empty()) METE_CHECK(cgroup::change_device_rules(group, resources.device_rules, {}));
  return limits;
}

// A fork that is refused: whose limit it was.
bool explain_tasks(const cgroup::Group& group, Error& error) {
  if (error.code != EAGAIN) return false;
  const auto path = cgroup::pids_limits_of_path(group);
  const auto* const at = cgroup::refusing(path);
  if (at == nullptr) return false;
  const std::string whose = at->path == group.path() ? "the container" : "cgroup " + at->path;
  error.what = "pids limit of " + whose + ": found " + std::to_string(at->limit) +
               ", which has no room for one more process (" + error.what + ")";
  return true;
}

}  // namespace

Status complete_limits(Resources& resources, const cgroup::Hierarchies& machine) {
  auto limits = cgroup::completed(resources.limits, resources.partial, machine, cgroup::fresh_group());
  if (!limits) return fail_in("config.json: linux.resources", limits.error());
  resources.limits = std::move(*limits);
  resources.partial = {};
  // The values of a new group.
  if (resources.limits.oom_kill_disable == false) resources.limits.oom_kill_disable.reset();
  return {};
}

void explain_limit(const cgroup::Group& group, const cgroup::Limits& limits, Error& error) {
  if (explain_tasks(group, error)) return;
  if (!limits.memory || limits.memory->is_unlimited()) return;
  const auto kills = group.oom_kill_count();
  const bool out_of_memory = (kills && *kills > 0) || error.code == ENOMEM;
  if (!out_of_memory) return;
  error.what = "config.json: linux.resources.memory.limit: found " + std::to_string(limits.memory->value().count()) +
               " bytes, which is too small to start the container's first process (" + error.what + ")";
}

RoomForOne::RoomForOne(const cgroup::Hierarchies& machine, const std::string& path) {
  auto group = path.empty() ? Result<cgroup::Group>(fail("no cgroup")) : cgroup::Group::at(machine, path);
  if (!group) return;
  group_ = std::move(*group);
  if (auto counters = cgroup::read_oom_counters(*group_)) before_ = std::move(*counters);
}

void RoomForOne::explain(Error& error) const {
  if (!group_ || explain_tasks(*group_, error)) return;
  if (const std::string why = killed(); !why.empty()) error.what = why + " (" + error.what + ")";
}

std::string RoomForOne::killed() const {
  if (!group_ || !before_) return {};
  const auto now = cgroup::read_oom_counters(*group_);
  if (!now || !cgroup::has_new_kills(*before_, *now)) return {};
  const auto limit = cgroup::memory_limit(*group_);
  return "memory: found " + (limit ? "a limit of " + std::to_string(limit->count()) + " bytes" : "a limit above") +
         ", which has no room for one more process: the kernel has killed";
}

Status set_up_resources(const cgroup::Group& group, const Resources& resources, bool fresh) {
  if (!fresh) {
    Resources without_devices = resources;
    without_devices.device_rules.clear();
    METE_TRY(const auto changed, change_resources(group, without_devices));
    (void)changed;
    return {};
  }
  auto limits = resources.limits;
  cgroup::keep_weight_over_idle(group, limits);
  METE_TRY(const auto writes, group.set_up(limits));
  (void)writes;
  return write_lines(group, resources.lines, [&](const auto& write) { return cgroup::write(group, write); });
}

Result<cgroup::Limits> change_resources(const cgroup::Group& group, const Resources& resources) {
  cgroup::UndoLog log(group);
  auto changed = try_change(group, resources, log);
  if (!changed) return tl::unexpected<Error>(log.undo(std::move(changed.error())));
  return changed;
}

}  // namespace mete::runtime::oci
