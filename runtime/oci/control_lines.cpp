// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/control_lines.h"

#include "runtime/cgroup/control_write.h"
#include "runtime/cgroup/single_settings.h"
#include "runtime/cgroup/undo.h"

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
  METE_CHECK(group.apply(limits, log));
  METE_CHECK(write_lines(group, resources.lines, [&](const auto& write) { return log.write(write); }));
  if (!resources.device_rules.empty()) METE_CHECK(cgroup::change_device_rules(group, resources.device_rules, {}));
  return limits;
}

}  // namespace

Status set_up_resources(const cgroup::Group& group, const Resources& resources) {
  METE_TRY(const auto writes, group.set_up(resources.limits));
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
