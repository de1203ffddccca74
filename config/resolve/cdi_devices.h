// SPDX-License-Identifier: Apache-2.0
// The devices that all specifications of the Container Device Interface together describe. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/base/result.h"
#include "config/model/cdi.h"

namespace mete::config {

class CdiDevices {
 public:
  CdiDevices() = default;
  explicit CdiDevices(std::vector<CdiSpec> specs);

  // The devices of a kind that can be given to containers one by one, as "vendor.com/class=name", in the order of their
  // names, numbers by their value. One that is described by two names counts once, under the first; one that
  // consists of others does not count: with "0", "1", their other names and "all" there are two.
  [[nodiscard]] std::vector<std::string> of_kind(const std::string& kind) const;
  [[nodiscard]] std::vector<std::string> kinds() const;
  [[nodiscard]] bool knows(const std::string& device) const { return devices_.contains(device); }
  // The number of devices that can be given, by kind.
  [[nodiscard]] std::map<std::string, std::int64_t> counts() const;

  // What a container needs that gets these: of each specification the common edits once, before those of its first
  // device. The error names the devices that are not there, as containerd does.
  [[nodiscard]] Result<CdiEdits> edits(const std::vector<std::string>& devices) const;

  // Devices that two specifications of one folder describe: nobody gets them.
  [[nodiscard]] const std::vector<std::string>& conflicts() const { return conflicts_; }

 private:
  std::vector<CdiSpec> specs_;
  std::map<std::string, std::pair<std::size_t, std::size_t>> devices_;  // specification and device
  std::vector<std::string> conflicts_;
};

}  // namespace mete::config
