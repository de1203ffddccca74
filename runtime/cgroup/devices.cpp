// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/devices.h"

namespace mete::runtime::cgroup {

Status restrict_devices(const Group& group) {
  if (!group.hierarchies().on_v1("devices")) return {};
  METE_CHECK(group.write("devices", "devices.deny", "a"));
  for (const char* rule : {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm",
                           "c 5:2 rwm", "c 136:* rwm"}) {
    METE_CHECK(group.write("devices", "devices.allow", rule));
  }
  return {};
}

}  // namespace mete::runtime::cgroup
