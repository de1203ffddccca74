// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/control_lines.h"

namespace mete::runtime::oci {
namespace {

Status apply_line(const cgroup::Group& group, const ControlLine& line) {
  const auto& machine = group.hierarchies();
  if (!line.v1_file.empty() && machine.on_v1(line.controller)) {
    auto written = group.write(line.controller, line.v1_file, line.v1_text);
    return written ? written : fail_in(line.field, written.error());
  }
  const std::string controller = line.controller == "blkio" ? "io" : line.controller;
  if (line.v2_file.empty() || !machine.on_v2(controller)) {
    return fail(line.field + ": found it asked for, expected it left out: this machine has no " + line.controller +
                " controller for it" +
                (line.v1_file.empty()   ? " on cgroup2"
                 : line.v2_file.empty() ? " on cgroup v1"
                                        : ""));
  }
  auto written = group.write(controller, line.v2_file, line.v2_text);
  return written ? written : fail_in(line.field, written.error());
}

}  // namespace

Status apply_resources(const cgroup::Group& group, const Resources& resources) {
  METE_TRY(const auto writes, group.apply(resources.limits));
  (void)writes;
  for (const auto& line : resources.lines) METE_CHECK(apply_line(group, line));
  return {};
}

}  // namespace mete::runtime::oci
