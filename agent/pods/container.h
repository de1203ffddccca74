// SPDX-License-Identifier: Apache-2.0
// One container of a pod while the agent lives: its attempts, its shim, its cgroup. What must survive the agent is in
// its ContainerRecord; everything here can be made again from that and the kernel (adopt()).
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/pods/container_slot.h"
#include "agent/pods/limit_events.h"
#include "agent/pods/oom_record.h"
#include "agent/pods/pod_record.h"
#include "agent/pods/pre_stop.h"
#include "collectors/cumulative.h"
#include "collectors/sampler.h"
#include "config/desired_state.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent {

class ContainerSubject;
class CpuEnforcer;
class DriftWatch;
class MemoryEnforcer;
class Subject;
class Pod;

class Container {
 public:
  Container(Pod& pod, std::size_t index);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  // Starts the next attempt; queued when many are being launched.
  void start();
  // After the agent's own restart: finds out what became of an attempt that the record says is starting or running.
  void adopt();
  // To its first process. The error when it does not run.
  [[nodiscard]] Status signal(int number);
  // Its preStop hook, for at most `grace`, then its stop signal. Who kills it when the grace is over is the caller.
  void ask_to_end(std::chrono::nanoseconds grace);
  // SIGKILL to everything in it.
  void kill();
  // SIGKILL to its shim when nothing runs in the container any more.
  void give_up_shim();
  [[nodiscard]] bool is_active() const;

  // The CPUs that all share are others now.
  void share_cpus();
  // Of its own, that the record of an earlier agent has. Before anybody's limits are asked for.
  void adopt_cores();
  // Writes the limits again after the policy has changed.
  void apply_limits();
  // What it had before resize().
  struct Allotment {
    runtime::cgroup::Limits limits;
    std::int64_t raised_memory = 0;
    std::optional<std::chrono::microseconds> boosted_quota;
  };
  [[nodiscard]] Allotment allotment() const { return {limits_, record().raised_memory, boosted_quota_}; }
  // Writes the limits that `to` asks for. The error: it has what it had before. After all of a pod's: resized(), or
  // undo_resize() of those that were done.
  [[nodiscard]] Status resize(const config::Container& to);
  void undo_resize(const Allotment& before);
  void resized();
  // By how much it uses more memory than this; empty: it does not, or is not there.
  [[nodiscard]] std::optional<Bytes> memory_above(Bytes limit) const;
  // Ends the cgroup: its counters go to the record, then it is removed. False: something is still inside, try again.
  bool remove_cgroup();

  // Counters over all attempts, gauges of now. Reads the kernel when the container has a cgroup.
  [[nodiscard]] collectors::Sample read();
  // Of the cgroups that are gone; not changed any more once it is given out.
  [[nodiscard]] const std::shared_ptr<const collectors::Sample>& base() const { return base_; }
  // The last OOM kill that this agent told; null: none.
  [[nodiscard]] const std::shared_ptr<const collectors::Exemplar>& last_oom() const { return oom_record_.last(); }
  // Grows whenever its limits may have been changed.
  [[nodiscard]] std::uint64_t limit_changes() const { return limit_changes_; }
  [[nodiscard]] std::uint64_t oom_kills() const { return oom_record_.kills(); }

  [[nodiscard]] ContainerRecord& record();
  [[nodiscard]] const ContainerRecord& record() const;
  [[nodiscard]] const config::Container* spec() const;  // null: the pod was adopted and its manifest is gone
  [[nodiscard]] const runtime::cgroup::Group& cgroup() const { return cgroup_; }
  [[nodiscard]] std::string log_path() const;
  [[nodiscard]] std::string writable_layer() const { return files().directory() + "/upper"; }  // of the present attempt
  [[nodiscard]] const runtime::cgroup::Limits& limits() const { return limits_; }
  [[nodiscard]] const config::Policy* policy() const;  // null: none selects the pod
  // Nothing of an attempt was run (no image, no volume): it is tried again later, whatever the restart policy.
  void not_launched(const Error& error);
  [[nodiscard]] const std::string& image_name() const { return image_name_; }

  // What enforcement changes, for this attempt. The error: nothing is changed.
  [[nodiscard]] Status raise_memory(Bytes to);
  // More CPU than its own, of a period of its own quota; empty: its own again.
  [[nodiscard]] Status boost_cpu(std::optional<std::chrono::microseconds> quota);
  [[nodiscard]] const std::optional<std::chrono::microseconds>& boosted_quota() const { return boosted_quota_; }
  [[nodiscard]] Status restart(
      const std::string& reason);  // stop signal, grace, kill; started again whatever the restart policy
  [[nodiscard]] Status let_kernel_decide();
  void killed_by_policy(const std::string& reason);  // of its end; empty: it goes on
  void wake_shim();                                  // its watchdog files have changed
  [[nodiscard]] std::string attempt_directory() const { return files().directory(); }
  [[nodiscard]] const MemoryEnforcer& enforcer() const { return *enforcer_; }
  [[nodiscard]] Subject& subject() const;

  // The kernel's log says that it killed here.
  void oom_killed_in_log() { oom_watch_->killed_in_log(); }

 private:
  // container_launch.cpp
  void launch();
  Status begin_attempt();
  // Before the shim: nobody is in the cgroup, and its part in cgroup2 is there.
  Status claim_cgroup();
  // The rest of it, its limits and what watches them.
  Status prepare_cgroup();
  Status write_plan(const std::string& directory, const runtime::image::Image& image);
  Result<std::string> seccomp_filter(std::uint64_t capabilities);
  void wait_until_ready(runtime::UniqueFd ready);
  void ready();
  void watch_shim(runtime::UniqueFd pidfd);
  void leave_gate();

  // container.cpp
  [[nodiscard]] std::string attempts_directory() const;
  [[nodiscard]] runtime::shim::AttemptFiles files() const;  // of the present attempt
  void watch_process();
  void process_ended();
  void kill_rest();      // what the first process has left in the cgroup
  void wait_for_shim();  // which has only to write the exit status: tells when it cannot
  void ended();
  void finish(const runtime::shim::ExitStatus& status, const std::string& reason = {});

  // container_cgroup.cpp
  [[nodiscard]] runtime::cgroup::Limits asked_limits() const { return limits_for(*spec()); }   // spec() is not null
  [[nodiscard]] runtime::cgroup::Limits limits_for(const config::Container& container) const;  // by manifest and policy
  void open_cgroup();  // sampler, OOM notification and drift watch of a cgroup that exists
  void close_cgroup();
  std::optional<collectors::Sample> read_kernel();  // empty: there is no cgroup to be read
  void fold_cgroup();                               // its counters into the record's base

  // container_limits.cpp
  void go_on_with_restart();
  void limits_are_written();
  void look_for_disks();  // that the policy's io is about; the cgroup is there. Tells what of the policy cannot be had
  void guard_oom();       // for the time in which there is no agent
  void thaw_leftover();   // what an earlier agent froze: should a rule want that still, it is done again

  // container_devices.cpp
  void look_for_devices();  // of the machine, that its policy is about
  [[nodiscard]] std::vector<runtime::process::DeviceSpec> allowed_devices() const;  // by its policy
  [[nodiscard]] std::vector<runtime::cgroup::DeviceRule> base_device_rules() const;
  [[nodiscard]] std::vector<runtime::cgroup::DeviceRule> policy_device_rules() const;
  Status set_up_devices();  // of a cgroup in which nothing runs yet
  void change_devices();    // the policy has changed while it runs, or an earlier agent knew another

  // container_raise.cpp
  void see_to_raise();
  void lower_later(std::chrono::milliseconds delay);
  void stop_lowering();

  // container_cores.cpp
  void see_to_cores();
  void give_up_cores();
  [[nodiscard]] std::string leftover_cpus() const;  // to be written once; empty: there is nothing to mend

  // container_adopt.cpp
  void take_back_leftovers();
  void write_what_has_changed();
  void adopt_attempt(int tries_left);

  void choose_oom_counter();

  Pod& pod_;
  ContainerSlot slot_;
  Enforcement& enforcement_;
  Services& services_;
  runtime::cgroup::Group cgroup_;
  runtime::cgroup::Limits limits_;
  OomRecord oom_record_;
  std::string image_name_;
  bool image_missing_ = false;
  int stop_signal_;
  bool in_gate_ = false;
  std::chrono::steady_clock::time_point launch_requested_{};
  pid_t shim_pid_ = 0;
  asio::posix::stream_descriptor shim_;
  asio::posix::stream_descriptor ready_;
  asio::steady_timer adopt_timer_;
  asio::posix::stream_descriptor process_;  // its first one, while the shim lives
  asio::steady_timer shim_timer_;
  bool shim_stuck_told_ = false;
  std::uint64_t limit_changes_ = 0;
  std::shared_ptr<const collectors::Sample> base_;  // never null
  asio::steady_timer restart_timer_;
  PreStop pre_stop_;
  bool pre_stopped_ = false;  // its hook has run in the present attempt
  std::unique_ptr<ContainerSubject> subject_;
  std::unique_ptr<MemoryEnforcer> enforcer_;
  std::unique_ptr<CpuEnforcer> cpu_enforcer_;
  std::unique_ptr<OomWatch> oom_watch_;
  std::optional<std::chrono::microseconds> boosted_quota_;
  enforcers::IoFacts io_;
  config::Policy faults_told_;                                   // what of it cannot be had
  std::map<std::string, runtime::process::DeviceSpec> devices_;  // of the machine, by path
  std::optional<std::vector<runtime::cgroup::DeviceRule>>
      device_rules_;  // the policy's, as they are in force; empty: not known
  asio::steady_timer lower_timer_;
  std::shared_ptr<std::atomic<bool>> lowering_;  // a raised limit that is to go back; set to true reclaim ends early
  LimitEvents limit_events_;
  std::string cores_told_;  // why it has no CPUs of its own
  std::unique_ptr<DriftWatch> drift_;
  Alive alive_;
};

}  // namespace mete::agent
