// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/control_lines.h"

#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/single_settings.h"

namespace mete::runtime::oci {
namespace {

Status apply_line(const cgroup::Group& group, const ControlLine& line) {
  auto written = cgroup::write_single(group, {line.controller, line.v1_file, line.v2_file}, line.v1_text, line.v2_text);
  return written ? written : fail_in(line.field, written.error());
}

}  // namespace

Status apply_resources(const cgroup::Group& group, const Resources& resources) {
  auto limits = resources.limits;
  cgroup::keep_weight_over_idle(group, limits);
  METE_TRY(const auto writes, group.apply(limits));
  (void)writes;
  for (const auto& line : resources.lines) METE_CHECK(apply_line(group, line));
  return {};
}

}  // namespace mete::runtime::oci
