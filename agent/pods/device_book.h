// SPDX-License-Identifier: Apache-2.0
// The devices of this machine that pods ask for as extended resources: which there are, by the specifications of the
// Container Device Interface, and which pod has which. A pod's record has what its containers were given before any of
// them starts (ContainerRecord::devices), so that the next agent gives nothing twice.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "config/resolve/cdi_devices.h"

namespace mete::agent {

class DeviceBook {
 public:
  explicit DeviceBook(Services& services) : services_(services), look_(services.loop) {}

  // The present devices: the folders are read again when something in them has changed.
  [[nodiscard]] const config::CdiDevices& devices();

  // By kind what no pod has.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> free(const std::vector<std::string>& kinds);
  // The pod `uid` has these, and nothing else. False: another pod has one of them, and nothing is changed.
  [[nodiscard]] bool hold(const std::string& uid, const std::vector<std::string>& names);
  [[nodiscard]] bool holds(const std::string& uid) const { return held_.contains(uid); }
  void release(const std::string& uid);

  // Calls `again` once from the loop, when a device has become free or the specifications have changed.
  void wait(const std::string& uid, std::function<void()> again);

 private:
  void look_again();
  void call_waiting();
  void call_waiting_soon();
  void tell(const std::string& what);

  Services& services_;
  config::CdiDevices devices_;
  std::string seen_ = "never";                            // names, sizes and times of all files as they were read
  std::map<std::string, std::vector<std::string>> held_;  // by pod
  std::vector<std::pair<std::string, std::function<void()>>> waiting_;  // the same, the first one first
  std::map<std::string, bool> told_;                                    // faults of the specifications
  Timer look_;
  Alive alive_;
};

}  // namespace mete::agent
