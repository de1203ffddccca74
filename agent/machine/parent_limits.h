// SPDX-License-Identifier: Apache-2.0
// Reports forks that a limit on processes of a cgroup above pods has refused: of the agent's cgroup parent, of one that
// docker's clients asked for, of a slice around the agent. A kernel before 6.11 counts such a fork in the container
// that forked, where LimitEvents sees it. A newer one counts it with the limit (pids.events.local, v2) and tells no
// longer which group below it forked, so that the event names no pod. Polls once a second, and only on such a kernel.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/base/asio.h"
#include "agent/pods/container/limit_events.h"
#include "agent/pods/reconciler.h"

namespace mete::agent {

// The cgroups above one: "/a/b/c" -> "/a", "/a/b". The root has no limits. Pure.
[[nodiscard]] std::set<std::string> cgroups_above(std::string path);

class ParentLimits {
 public:
  ParentLimits(Services& services, const Reconciler& reconciler)
      : services_(services), reconciler_(reconciler), timer_(services.loop) {}

  // The cgroup parent must exist.
  void start();

 private:
  struct Watched {
    Watched(Services& services, runtime::cgroup::Group of);
    const runtime::cgroup::Group group;
    LimitEvents events;
  };
  void poll_later();
  void poll();
  [[nodiscard]] std::set<std::string> above_pods() const;

  Services& services_;
  const Reconciler& reconciler_;
  Timer timer_;
  std::map<std::string, std::unique_ptr<Watched>> watched_;  // by path
  Alive alive_;
};

}  // namespace mete::agent
