// SPDX-License-Identifier: Apache-2.0
// One pod while the agent lives: carries out what pod_logic.h decides, owns what its containers share (volumes,
// sandbox, the pod's cgroup), and removes all of it at its end.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/image_puller.h"
#include "agent/enforcement/drift_watch.h"
#include "agent/enforcement/enforcement.h"
#include "agent/pods/container/container.h"
#include "agent/pods/record/pod_paths.h"
#include "agent/pods/record/pod_record.h"
#include "agent/pods/status/pod_logic.h"
#include "agent/pods/status/pod_status.h"
#include "config/resolve/desired_state.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/network/bandwidth.h"

namespace mete::agent {

class DeviceBook;
class Networks;
class VolumeMounts;

// What all pods use.
struct PodTools {
  Enforcement& enforcement;
  Networks& networks;
  DeviceBook& devices;
  VolumeMounts& mounts;
};

class Pod : private DriftOwner {
 public:
  // Both are called from the loop, never from within a call of the pod.
  struct Owner {
    std::function<void()> gone;                              // nothing of it is left
    std::function<void()> changed;                           // status() is another one, or is known for the first time
    std::function<const Pod*(const std::string& key)> find;  // another one; null: there is none
  };
  // A new pod: writes its record first.
  struct Origin {
    std::string hash;                         // of the plan
    PodWorkload workload = {};                // of a pod that a workload makes
    std::optional<std::uint32_t> users = {};  // PodRecord's
    bool stopped = false;                     // nothing of it runs before start()
    std::string cgroup_parent = {};           // PodRecord's
  };
  static Result<std::unique_ptr<Pod>> create(const PodTools& tools, config::SharedPlan plan, Origin origin,
                                             Owner owner);
  // One that an earlier agent recorded. `plan` may come later (set_plan) or never.
  static Result<std::unique_ptr<Pod>> adopt(const PodTools& tools, PodRecord record, Owner owner);
  ~Pod() override;
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  // Cores that all of it may use while the machine is loaded; empty: as many as it likes.
  [[nodiscard]] const std::optional<double>& held_cpu() const { return held_cpu_; }
  void hold_cpu(std::optional<double> cores);
  // The agent ends and the pod keeps running: ends boosts and the bounds on BestEffort pods, which nothing would end
  // then.
  void give_back();
  // Called for all adopted pods before begin_adopted() of any.
  void adopt_cores();
  // The same of the devices that the record says were given to its containers.
  void adopt_devices();
  // The CPUs that all share are others now.
  void share_cpus();
  // The rest of adopt(), once it is known whether there is a plan: looks at what became of everything, and goes on.
  void begin_adopted();
  // Takes the plan of the present manifests, which has the same hash. A changed policy, changed probes and changed
  // resources are applied to the running containers.
  void set_plan(config::SharedPlan plan);
  // Beyond the manifest, until the manifest's resources change: for one container, or all. `reset`: back to the
  // manifest first. The error: nothing is changed. What cannot be done at once shows in resizing().
  [[nodiscard]] Status update(const std::string& container, const enforcers::ResourceUpdate& update, bool reset);
  // The same of what it may receive and send.
  [[nodiscard]] Status update_bandwidth(const config::Bandwidth& bandwidth, bool reset);
  [[nodiscard]] runtime::network::Bandwidth bandwidth() const;  // what it is held to; there is a plan
  // A change of resources that is still waiting; what it waits for. Empty: there is none.
  struct Resizing {
    bool refused = false;  // not tried again before a container ends
    std::string why;
  };
  [[nodiscard]] std::optional<Resizing> resizing() const;
  // Why the last change of resources was not made; empty: it was.
  [[nodiscard]] const std::string& resize_error() const { return resize_error_; }
  // It is in another network than before (Networks::on_moved()): its names, ports and bandwidth follow.
  void network_moved();
  // Starts what can be started. Called whenever something has changed.
  void step();
  // Deletes it: signal, grace, kill, and nothing left. `grace` overrides the manifest's.
  void terminate(std::optional<std::chrono::seconds> grace = std::nullopt);
  // Ends its containers and leaves it, stopped, until start(). One that is being deleted ends as it does; the pod that
  // then takes its name, if there is one, is made stopped.
  void stop(std::optional<std::chrono::seconds> grace);
  void start();
  // Ends its containers for good: it has failed, for this reason.
  void fail_with(Reason reason, std::string message, std::chrono::seconds grace);
  // For a disk that is too full: it stays, failed.
  void evict(std::string message);

  [[nodiscard]] PodPhase phase() const;
  [[nodiscard]] PodStatus status() const { return status_of(record_, restart_policy()); }
  // The request of all containers that can run at once; 0 without a plan.
  [[nodiscard]] Bytes memory_request() const { return memory_request_; }
  [[nodiscard]] const PodRecord& record() const { return record_; }
  [[nodiscard]] PodRecord& record() { return record_; }
  [[nodiscard]] const config::PodPlan* plan() const { return plan_.get(); }
  [[nodiscard]] const std::vector<std::unique_ptr<Container>>& containers() const { return containers_; }
  [[nodiscard]] Container* container(const std::string& name) const;
  [[nodiscard]] const runtime::cgroup::Group& cgroup() const { return cgroup_; }
  [[nodiscard]] const runtime::cgroup::Limits& limits() const { return limits_; }  // of the pod's own cgroup
  [[nodiscard]] Services& services() { return services_; }
  [[nodiscard]] Enforcement& enforcement() { return enforcement_; }
  [[nodiscard]] const Networks& networks() const { return networks_; }
  [[nodiscard]] DeviceBook& devices() const { return devices_; }
  [[nodiscard]] config::RestartPolicy restart_policy() const;
  // Its containers' processes are in a PID namespace that does not end with the container.
  [[nodiscard]] bool shares_processes() const {
    return plan_ && (plan_->pod.spec.share_process_namespace || plan_->pod.spec.host_pid ||
                     plan_->pod.metadata.annotations.contains(kPidOf));
  }

  // For its containers.
  [[nodiscard]] const Pod* other(const std::string& key) const { return owner_.find(key); }  // null: there is none
  // Container `name` is killed: the pod's own quota must not delay that. While others run, it holds them and stays.
  void lift_quota_of_last(const std::string& name);
  // Writes the pod's own quota again, if it was lifted.
  [[nodiscard]] Status give_quota();
  // It is deleted, and none of its containers but `name` is active.
  [[nodiscard]] bool goes_with(const std::string& name) const;
  // All that is in it is killed: what its limits are does not matter any more.
  [[nodiscard]] bool is_killed() const { return killed_; }
  // Its cgroup was made by this agent, and nothing was there before.
  [[nodiscard]] bool has_new_cgroup() const { return new_cgroup_; }
  [[nodiscard]] PodPaths paths() const {
    return {services_.settings, {record_.uid, record_.namespace_, record_.name, record_.cgroup_parent}};
  }
  [[nodiscard]] std::string directory() const { return paths().directory(); }
  [[nodiscard]] std::string run_directory() const { return paths().run_directory(); }
  [[nodiscard]] const std::map<std::string, std::string>& volumes() const { return volumes_; }
  // Directories in the store, of the images that are volumes.
  [[nodiscard]] const std::vector<std::string>& image_layers() const { return image_layers_; }
  [[nodiscard]] std::optional<int> sandbox_pid() const;
  // The network namespace of what runs of it. The error: nothing does.
  [[nodiscard]] Result<runtime::UniqueFd> open_network() const;
  // By its own words, or as the pod whose network it is in. There is a plan.
  [[nodiscard]] bool is_in_machines_network() const;
  // A failure to write is told once and does not stop anything: the kernel still has the truth.
  void save(runtime::Durability durability);
  [[nodiscard]] Status try_save(runtime::Durability durability);  // for what must not be made unrecorded
  void report(Severity severity, std::string reason, const std::string& container, std::string message,
              std::vector<std::pair<std::string, std::string>> fields = {});
  // Raises the pod's own limit so that a container's raised limit fits into it. After an error nothing is changed.
  [[nodiscard]] Status make_room();
  void container_started();
  void container_ended();
  // It is deleted or stopped, or has failed as a whole.
  [[nodiscard]] bool is_being_ended() const {
    return record_.terminating || record_.stopped || !record_.reason.empty();
  }
  // Nothing is started in it any more.
  [[nodiscard]] bool is_ending() const { return is_being_ended() || is_finished(record_); }

 private:
  Pod(const PodTools& tools, PodRecord record, runtime::cgroup::Group cgroup, Owner owner);
  // See DriftOwner.
  [[nodiscard]] const runtime::cgroup::Limits* wanted_limits() override {
    return plan_ && !killed_ ? &limits_ : nullptr;
  }
  [[nodiscard]] bool leaves_drift() const override {
    return plan_->policy && plan_->policy->drift == config::OnDrift::kReport;
  }
  void report_drift(std::string message, EventFields fields) override;
  void limit_event() override {
    if (limit_events_ != nullptr) limit_events_->poll();
  }
  [[nodiscard]] Status write_again(const runtime::cgroup::Limits& limits) override {
    return cgroup_.apply_each(limits);
  }
  void take(config::SharedPlan plan);
  void take_spec(config::PodSpec spec);  // in place of that of plan_, which others may have
  [[nodiscard]] runtime::cgroup::Limits limits_for(const config::PodSpec& spec) const;
  [[nodiscard]] bool is_idle() const;
  [[nodiscard]] bool has_quota() const;
  Status write_limits(runtime::cgroup::Limits limits);
  bool note_limits();  // in the record; true: they were others
  void resize_pids();
  void watch_pids();
  void lift_quota();
  // pod_prepare.cpp
  Status prepare();  // directories, volumes, cgroup: once per life of the agent
  void prepare_meanwhile();
  Status make_volumes();
  // pod_images.cpp
  [[nodiscard]] std::optional<ImageWait> wait_of_images(std::size_t index);
  void retry_images();  // containers that wait for their image are tried again at once
  void open_cgroup();

  bool ensure_network();  // false: being connected, or that failed; step() is called again
  void adopt_network();
  void publish_ports();
  void hold_bandwidth();
  void check_bandwidth();  // tells of a policy that cannot hold it
  [[nodiscard]] std::string unlimited_network() const;
  enum class NameFiles { kReplaced, kRewritten };  // the latter is seen by what runs
  Status write_names(NameFiles how = NameFiles::kReplaced);
  bool ensure_sandbox();  // false: being started, step() is called again
  void start_sandbox();
  void kill_sandbox();  // what is in its cgroup
  void sandbox_started();
  void watch_sandbox();

  // pod_hold.cpp
  [[nodiscard]] bool is_held();  // nothing of it can begin now; step() is called again
  [[nodiscard]] PodHold hold_of_devices();
  [[nodiscard]] PodHold hold_of_app_armor() const;
  void note_hold(PodHold hold);
  void release_devices();  // once nothing of it will start again
  // pod_mounts.cpp
  [[nodiscard]] bool ensure_mounts(const std::vector<std::size_t>& waiting);  // false: step() is called again

  // pod_start.cpp
  void take_gates();   // the manifest's, which may have gone
  void restart_all();  // kills what still runs; then all begin anew

  void note_status();  // pod_tell.cpp: records changed conditions, tells the owner of a changed status

  // pod_resize.cpp
  struct Resize;
  void begin_resize();
  void try_resize();
  void end_for_resize();
  Status resize_now(const config::PodSpec& to);
  void resized(const config::PodSpec& to);
  void wait_to_resize(const Error& error);
  void refuse_resize(const Error& error);
  void reclaim_for_resize();

  // pod_end.cpp
  void signal_due();    // who is to end now and was not told yet
  void end_sidecars();  // once nothing else has anything to do
  void kill_active();
  void end_all(std::chrono::seconds grace);
  void kill_all();
  void clean_up();  // after the last container: tries until nothing is left
  void clean_up_later();
  [[nodiscard]] bool retire();  // false: something of it still runs
  [[nodiscard]] bool remove_cgroups();
  void remove_meanwhile();  // on a thread
  void removed(const Status& done);
  [[nodiscard]] bool has_other_active(const std::string& name) const;
  void step_at(WallTime at);
  [[nodiscard]] bool meet_deadline();  // true: it is over, and the pod is being ended

  Enforcement& enforcement_;
  Networks& networks_;
  DeviceBook& devices_;
  VolumeMounts& mounts_;
  Services& services_;
  PodRecord record_;
  config::SharedPlan plan_;  // the manifest's; a copy of its own while its containers have other resources
  Bytes memory_request_;
  runtime::cgroup::Group cgroup_;
  runtime::cgroup::Limits limits_;
  bool quota_lifted_ = false;  // until a container starts again
  std::optional<double> held_cpu_;
  DriftWatch drift_;
  std::unique_ptr<LimitEvents> limit_events_;  // null: its own cgroup has no limit on processes
  Owner owner_;
  std::optional<PodStatus> told_;  // what the owner knows
  std::vector<std::unique_ptr<Container>> containers_;
  std::map<std::string, std::string> volumes_;
  std::map<std::string, std::string> mounted_;  // those of them that are mounted from elsewhere (VolumeMounts)
  bool mounting_ = false;
  std::vector<std::string> image_layers_;
  std::set<std::size_t> signalled_;  // containers that have been told to end
  bool begun_ = false;               // what its containers are is known
  std::unique_ptr<Resize> resize_;
  std::vector<config::Resources> manifest_resources_;  // by container, as the manifest has them
  std::string resize_error_;
  bool prepared_ = false;
  std::array<std::size_t, 2> written_names_{};  // in this life of the pod: hashes of hosts and resolv.conf; 0: not yet
  bool new_cgroup_ = false;
  bool killed_ = false;
  bool removing_ = false;
  bool clean_up_failed_ = false;  // that is told once
  enum class Connected { kNo, kConnecting, kYes } connected_ = Connected::kNo;
  bool ending_ = false;
  bool save_failed_ = false;
  static constexpr std::chrono::milliseconds kFirstCleanUp{5};
  std::chrono::milliseconds clean_up_delay_ = kFirstCleanUp;
  Timer restart_timer_;
  Timer end_timer_;
  Timer deadline_timer_;
  std::chrono::steady_clock::time_point end_at_{};  // when the grace is over
  Descriptor sandbox_ready_;
  Descriptor sandbox_;
  bool sandbox_starting_ = false;
  pid_t sandbox_shim_ = 0;
  Alive alive_;
};

}  // namespace mete::agent
