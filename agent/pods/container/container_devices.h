// SPDX-License-Identifier: Apache-2.0
// The devices that a container may use: those of every container, those that its pod was given (device_book.h), those
// that a docker client asks for, and what its policy allows and denies, which has the last word.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/pods/container/container_slot.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/pod/cdi_edits.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::agent {

class ContainerDevices {
 public:
  // What its devices of the Container Device Interface bring along.
  struct Cdi {
    config::CdiEdits edits;
    std::vector<runtime::pod::CdiNode> nodes;
  };

  ContainerDevices(const ContainerSlot& slot, const runtime::cgroup::Group& group) : slot_(slot), group_(group) {}

  // Finds those of the machine that its policy is about, and reports those that are not there; and those that it asks
  // for itself. The error: one of those is not there.
  [[nodiscard]] Status find();
  [[nodiscard]] std::vector<runtime::process::DeviceSpec> allowed() const;  // by its policy
  // Those that are made in /dev besides the usual ones: its own wishes, allowed(), and of a privileged container all of
  // the machine.
  [[nodiscard]] Result<std::vector<runtime::process::DeviceSpec>> nodes() const;
  [[nodiscard]] const Cdi& cdi() const { return cdi_; }
  // The rules of a cgroup in which nothing runs yet.
  [[nodiscard]] Status set_up();
  // What set_up() comes to; empty: it writes nothing, and the cgroup allows all.
  [[nodiscard]] std::vector<runtime::cgroup::DeviceRule> rules() const;
  // The policy has changed while the container runs, or an earlier agent knew another.
  void reconcile();

 private:
  void find_policys();
  [[nodiscard]] Status find_cdi();
  [[nodiscard]] std::vector<runtime::cgroup::DeviceRule> base_rules() const;
  [[nodiscard]] std::vector<runtime::cgroup::DeviceRule> policy_rules() const;

  const ContainerSlot& slot_;
  const runtime::cgroup::Group& group_;
  std::map<std::string, runtime::process::DeviceSpec> devices_;  // of the machine, by path
  struct Asked {
    runtime::process::DeviceSpec node;
    std::string access;
  };
  std::vector<Asked> asked_;
  Cdi cdi_;
  // The policy's, as they are in force; empty: not known.
  std::optional<std::vector<runtime::cgroup::DeviceRule>> rules_;
};

}  // namespace mete::agent
