// SPDX-License-Identifier: Apache-2.0
// Whether a running container has started, is alive and is ready: its postStart hook, then its startup probe, then the
// other two. What comes of it is in the record (started, ready), so that the next agent goes on from there.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "agent/pods/container/container_slot.h"
#include "agent/pods/container/hook.h"
#include "agent/probes/prober.h"

namespace mete::agent {

class ContainerProbes {
 public:
  // Ends the present attempt within `grace`. `restart`: another one follows unless the restart policy is Never.
  using EndContainer = std::function<void(std::chrono::seconds grace, bool restart)>;

  ContainerProbes(const ContainerSlot& slot, EndContainer end_container);
  ~ContainerProbes();
  ContainerProbes(const ContainerProbes&) = delete;
  ContainerProbes& operator=(const ContainerProbes&) = delete;

  // Its attempt runs: from now on, or since an earlier agent. The caller saves the record, and tells the pod.
  void running();
  // The manifest may ask otherwise now.
  void take_changes();
  // It is being ended: whether it is ready is still asked.
  void ending();
  // Its attempt has ended.
  void ended();

  [[nodiscard]] const ProbeCounts& counts(ProbeKind kind) const;
  // What a hook of this container is made in, or a probe.
  [[nodiscard]] std::shared_ptr<ProbeRun> make_hook(const config::HookAction& action);

 private:
  struct One {
    config::Probe probe;  // its own: the manifest may be replaced while it runs
    TellingBudget budget;
    std::string told;  // the last message since it was well; empty: none
    ProbeCounts counts;
    std::unique_ptr<Prober> prober;
  };
  void begin_care(const config::Container& spec);
  void post_started();
  void started(bool now);
  void set_ready(bool ready);
  void save_and_tell();
  void begin(ProbeKind kind, const config::Probe& probe, Health from, bool now);
  void stop(ProbeKind kind);
  [[nodiscard]] bool asks(ProbeKind kind, const Box<config::Probe>& probe) const;
  void outcome(ProbeKind kind, const ProbeOutcome& outcome);
  void changed(ProbeKind kind, Health health);
  void unwell(ProbeKind kind);
  [[nodiscard]] const ProbePlace& place();
  [[nodiscard]] One& one(ProbeKind kind);  // made when there is none
  [[nodiscard]] const One* find(ProbeKind kind) const { return probes_.at(static_cast<std::size_t>(kind)).get(); }

  const ContainerSlot& slot_;
  EndContainer end_container_;
  Hook post_start_;
  Box<ProbePlace> place_;  // of the present attempt, once it was asked for
  std::chrono::steady_clock::time_point started_at_{};
  bool in_running_ = false;
  bool begun_ = false;                                    // of the present attempt, with its manifest
  std::array<std::unique_ptr<One>, kProbeKinds> probes_;  // null: it never had one
};

}  // namespace mete::agent
