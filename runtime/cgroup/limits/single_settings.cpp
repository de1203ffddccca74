// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/single_settings.h"

#include <string>

namespace mete::runtime::cgroup {

Result<ControlWrite> single_write(const Hierarchies& machine, const SingleSetting& setting, std::string_view v1_text,
                                  std::string_view v2_text) {
  if (!setting.v1_file.empty() && machine.on_v1(setting.controller))
    return ControlWrite{std::string(setting.controller), std::string(setting.v1_file), std::string(v1_text)};
  const std::string_view controller = setting.controller == "blkio" ? "io" : setting.controller;
  if (!setting.v2_file.empty() && machine.on_v2(controller))
    return ControlWrite{std::string(controller), std::string(setting.v2_file), std::string(v2_text)};
  return fail("found it asked for, expected it left out: this machine has no " + std::string(setting.controller) +
              " controller for it" +
              (setting.v1_file.empty()   ? " on cgroup2"
               : setting.v2_file.empty() ? " on cgroup v1"
                                         : ""));
}

}  // namespace mete::runtime::cgroup
