// SPDX-License-Identifier: Apache-2.0
// Limits of a group as they stand in its files, to be put back when another program has changed them: crun 1.8 takes
// the memory limits of a v1 group away before it sets those of its config.json.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

class KeptSettings {
 public:
  // Files that the group lacks are left out. IO settings, which have a line for each disk, are not kept.
  [[nodiscard]] static KeptSettings of(const Group& group);
  // Writes what differs. The error names a file that could not be put back.
  [[nodiscard]] Status put_back() const;

 private:
  struct Setting {
    std::string path;
    std::string text;
  };
  std::vector<Setting> settings_;
};

}  // namespace mete::runtime::cgroup
