// SPDX-License-Identifier: Apache-2.0
// The life of a container's attempt: its launch, its shim, its first process, and its end. One object for all attempts,
// one at a time; which is the present one is in the record.
//
//   start() -> the launch gate -> launch: root, shim, plan, cgroup -> ready: running -> the shim ends: finish
//   adopt(): the same from wherever an earlier agent left it
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/image_puller.h"
#include "agent/base/spawn.h"
#include "agent/enforcement/subject.h"
#include "agent/pods/container/container_cgroup.h"
#include "agent/pods/container/container_probes.h"
#include "agent/pods/container/container_slot.h"
#include "agent/pods/container/hook.h"
#include "agent/pods/container/joined_namespaces.h"
#include "runtime/image/store.h"
#include "runtime/shim/attempt_files.h"
#include "runtime/storage/driver.h"

namespace mete::agent {

class Attempt {
 public:
  // All of them outlive it.
  Attempt(const ContainerSlot& slot, ContainerCgroup& cgroup, Subject& subject);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Starts the next attempt; queued when many are being launched.
  void start();
  // After the agent's own restart: finds out what became of one that the record says is starting or running.
  void adopt();
  // Reads the image of an attempt that an earlier agent launched.
  void adopt_image();
  [[nodiscard]] bool is_active() const;

  // Sends a signal to the first process. An error: it does not run.
  [[nodiscard]] Status signal(int number);
  // Its preStop hook, for at most `grace`, then its stop signal; without grace neither. The caller kills it when the
  // grace is over.
  void ask_to_end(std::chrono::nanoseconds grace);
  // Stop signal, grace, kill; started again whatever the restart policy.
  [[nodiscard]] Status restart(const std::string& reason);
  // SIGKILL to its shim when nothing runs in the container any more.
  void give_up_shim();
  void wake_shim();  // its watchdog files have changed
  // Nothing of an attempt was run (no image, no volume): it is tried again later, whatever the restart policy.
  void not_launched(const Error& error);
  // As not_launched(). `waiting`: the reason that is shown while it waits.
  void wait_for(Reason event, const std::string& waiting, const std::string& message);
  void wait_for(const ImageWait& wait);

  // One who is attached to the next attempt from its first byte on: the other end of a socket pair of whole messages
  // (runtime/shim/attach_protocol.h). Closed when that attempt is not begun.
  void attach_next(runtime::UniqueFd socket) { attach_next_.push_back(std::move(socket)); }
  void forget_attached() { attach_next_.clear(); }
  // The signal that is to end the present attempt.
  void end_by(int signal) { stop_signal_ = signal; }

  [[nodiscard]] ContainerProbes& probes() { return probes_; }
  [[nodiscard]] const ContainerProbes& probes() const { return probes_; }
  [[nodiscard]] const std::string& image_name() const { return image_name_; }
  // The directory whose size is that of what the container wrote; it need not exist yet.
  [[nodiscard]] const std::string& writable_layer() const;
  // The tree that writable_layer() began as a copy of, where the container has a whole tree; else empty.
  [[nodiscard]] const std::string& base_of_layer() const;
  // Whether writes fail at a limit, so that nobody need measure.
  [[nodiscard]] bool has_layer_quota() const;

 private:
  // attempt_launch.cpp
  void launch();
  Status begin();
  void take_stop_signal(const runtime::image::Image& image);  // the manifest's, or the image's
  Status clear_place();
  Status take_layer();  // of an earlier attempt, where the container keeps it
  // What the next root may take; empty: nothing bounds it, or the pod is evicted.
  [[nodiscard]] std::optional<Bytes> wanted_quota() const;
  void tell_of_quota() const;                            // once, where a limit is not held by one
  Status make_root(const runtime::image::Image& image);  // here, or on a thread
  void root_made(const runtime::image::Image& image, Result<runtime::storage::ContainerRoot> root);
  Status launch_in(const runtime::image::Image& image, runtime::storage::ContainerRoot root);
  Result<StartingShim> start_shim(const JoinedNamespaces& joined);
  Status make_files(const runtime::image::Image& image, runtime::storage::ContainerRoot root,
                    const JoinedNamespaces& joined);
  void failed_to_begin(const Error& error);
  void leave_gate();
  bool has_ended_meanwhile();  // while it waited for its turn, or its root was made
  void ready();
  void watch_shim(runtime::UniqueFd pidfd);

  // attempt_adopt.cpp
  void adopt(int tries_left);
  void adopt_end();  // its shim is gone
  [[nodiscard]] bool adopt_shim();

  // attempt.cpp
  void running(const runtime::shim::Started& started);
  void watch_process();
  void process_ended();
  void kill_rest();  // what the first process has left in the cgroup
  void give_quota();
  void wait_for_shim();  // which has only to write the exit status: reports when it cannot
  void end_unwell(std::chrono::seconds grace, bool restart);
  void end_within(std::chrono::seconds grace);  // stop signal, grace, kill
  void ended();
  void finish(const runtime::shim::ExitStatus& status, const std::string& reason = {});
  void report_end(const runtime::shim::ExitStatus& status);

  const ContainerSlot& slot_;
  Services& services_;
  ContainerCgroup& cgroup_;
  Subject& subject_;
  std::string image_name_;
  bool image_missing_ = false;
  int stop_signal_;
  bool in_gate_ = false;
  std::uint32_t restarts_before_ = 0;  // of the present launch
  // What was found in the attempt's directory to measure.
  struct Measured {
    std::uint32_t attempt = 0;  // 0: nothing is there yet
    bool has_quota = false;
    std::string layer;
    std::string base;
  };
  [[nodiscard]] const Measured& measured() const;
  mutable Measured measured_;
  std::chrono::steady_clock::time_point launch_requested_{};
  pid_t shim_pid_ = 0;
  Descriptor shim_;
  Descriptor ready_;
  Descriptor process_;  // its first one, while the shim lives
  Timer adopt_timer_;
  Timer shim_timer_;
  Timer restart_timer_;
  bool shim_stuck_reported_ = false;
  std::vector<runtime::UniqueFd> attach_next_;
  Hook pre_stop_;
  bool pre_stopped_ = false;  // its hook has run in the present attempt
  ContainerProbes probes_;
  Alive alive_;
};

}  // namespace mete::agent
