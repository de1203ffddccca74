// SPDX-License-Identifier: Apache-2.0
// The place of a container in its pod: where its record, its manifest, its policy and its files are. The parts of a
// container save and report through this class, so that no part needs another one for that.
#pragma once

#include <string>

#include "agent/base/event.h"
#include "agent/enforcement/enforcement.h"
#include "agent/pods/record/pod_record.h"
#include "config/resolve/desired_state.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent {

class Pod;

class ContainerSlot {
 public:
  ContainerSlot(Pod& pod, std::size_t index) : pod_(pod), index_(index) {}

  [[nodiscard]] Pod& pod() const { return pod_; }
  [[nodiscard]] Services& services() const;
  [[nodiscard]] Enforcement& enforcement() const;

  [[nodiscard]] ContainerRecord& record() const;
  [[nodiscard]] const config::Container* spec() const;  // null: the pod was adopted and its manifest is gone
  [[nodiscard]] const config::Policy* policy() const;   // null: none selects the pod
  // The policy, unless it is a dry run; null: none.
  [[nodiscard]] const config::Policy* policy_in_force() const;

  [[nodiscard]] std::string attempts_directory() const;
  [[nodiscard]] runtime::shim::AttemptFiles files() const;  // of the present attempt
  [[nodiscard]] std::string log_path() const;

  void save(runtime::Durability durability) const;
  // save() for a caller that goes on only when the record is on disk.
  [[nodiscard]] Status try_save(runtime::Durability durability) const;
  // An event of this container.
  void report(Severity severity, std::string reason, std::string message,
              std::vector<std::pair<std::string, std::string>> fields = {}) const;
  void warn(Reason reason, std::string message) const;

 private:
  Pod& pod_;
  std::size_t index_;
};

}  // namespace mete::agent
