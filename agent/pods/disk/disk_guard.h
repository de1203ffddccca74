// SPDX-License-Identifier: Apache-2.0
// Holds pods to what they may keep on disk: measures, and evicts who has more. Measuring takes a bounded share of a
// core (collectors/usage_walker.h), so a large tree is measured less often. Pods without such limits are not measured.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "agent/pods/disk/disk_limits.h"
#include "agent/pods/reconciler.h"
#include "collectors/usage_walker.h"

namespace mete::agent {

class DiskGuard {
 public:
  DiskGuard(Services& services, Reconciler& reconciler) : reconciler_(reconciler), timer_(services.loop) {}
  void start() { look(); }

 private:
  void look();
  void look_at(Pod& pod);
  // What a container wrote and no quota holds.
  [[nodiscard]] std::optional<Bytes> layer_bytes(const Attempt& attempt);
  // The last measure of a directory; empty: there is none yet.
  [[nodiscard]] std::optional<Bytes> measure(const std::string& directory);

  Reconciler& reconciler_;
  std::map<std::string, collectors::UsageWalker> walkers_;  // by directory
  std::vector<std::string> seen_;                           // directories of the present look
  bool walking_ = false;                                    // one of them has more steps to make
  Timer timer_;
  Alive alive_;
};

}  // namespace mete::agent
