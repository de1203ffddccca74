// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "agent/agent_options.h"
#include "agent/alerts/alerts.h"
#include "agent/api/api.h"
#include "agent/base/log.h"
#include "agent/base/services.h"
#include "agent/base/spare_descriptors.h"
#include "agent/base/spawn_process.h"
#include "agent/docker/engine.h"
#include "agent/enforcement/enforcement.h"
#include "agent/export/collecting_thread.h"
#include "agent/export/exporter.h"
#include "agent/export/usage_models.h"
#include "agent/foreign/foreign_enforcement.h"
#include "agent/foreign/io_cost_enforcer.h"
#include "agent/foreign/other_kills.h"
#include "agent/machine/best_effort_enforcer.h"
#include "agent/machine/machine_enforcer.h"
#include "agent/machine/parent_limits.h"
#include "agent/machine/pool_watch.h"
#include "agent/networks/networks.h"
#include "agent/pods/device_book.h"
#include "agent/pods/disk/disk_guard.h"
#include "agent/pods/disk/image_pruner.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/manifests/unmatched_policies.h"
#include "agent/pods/reconciler.h"
#include "agent/pods/volume_mounts.h"
#include "agent/self/locks.h"
#include "agent/self/own_cgroup.h"
#include "agent/self/self_protection.h"
#include "agent/self/service.h"
#include "agent/self/start_burst.h"
#include "agent/servers.h"
#include "agent/services/service_keeper.h"
#include "agent/workloads/workloads.h"
#include "collectors/kernel/machine.h"
#include "runtime/file.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/process_id.h"

namespace mete::agent {
namespace {

constexpr auto kLagEvery = std::chrono::seconds(1);
// A start waits for the kernel more than half of its time (network namespace, RCU): two for each processor left the
// processors idle.
constexpr unsigned kLaunchesPerProcessor = 8;

class Agent {
 public:
  Agent(const Settings& settings, runtime::cgroup::Hierarchies hierarchies, runtime::image::Store images)
      : settings_(settings),
        hierarchies_(std::move(hierarchies)),
        images_(std::move(images)),
        collection_(hierarchies_, {}),
        files_(loop_),
        kernel_log_(loop_),
        launches_(kLaunchesPerProcessor * std::max(1U, std::thread::hardware_concurrency())),
        turns_(loop_),
        workers_(loop_),
        cleaners_(loop_, 2, Workers::AtEnd::kDrop),
        connections_(loop_),
        puller_(loop_, settings_, images_),
        services_{loop_,       settings_,    hierarchies_, collection_, images_,  events_,   files_,
                  kernel_log_, instruments_, launches_,    turns_,      workers_, cleaners_, connections_,
                  puller_,     {},           {},           {},          0},
        enforcement_(services_, Forensics(settings_.forensics(), {})),
        manifests_(loop_, settings_, files_, events_),
        foreign_(enforcement_),
        io_cost_(services_),
        networks_(services_),
        devices_(services_),
        mounts_(services_),
        reconciler_({enforcement_, networks_, devices_, mounts_}, manifests_),
        workloads_(services_, manifests_, reconciler_),
        service_keeper_(services_, manifests_, reconciler_),
        image_pruner_(services_, [this] { return reconciler_.layers_in_use(); }),
        disk_guard_(services_, reconciler_),
        collecting_(loop_, hierarchies_, reader_options(settings)),
        exporter_(services_, reconciler_, workloads_, service_keeper_, collecting_),
        usage_models_(services_, reconciler_),
        machine_(enforcement_, reconciler_),
        parent_limits_(services_, reconciler_),
        pool_watch_(services_),
        best_effort_(enforcement_, reconciler_),
        alerts_(settings.config.alerts.enabled
                    ? std::make_unique<Alerts>(services_, reconciler_, exporter_, collecting_)
                    : nullptr),
        docker_(services_, manifests_, reconciler_),
        api_({services_, manifests_, reconciler_, workloads_, service_keeper_, foreign_, exporter_, usage_models_,
              alerts_.get()}),
        servers_(loop_, settings_, events_, api_, docker_),
        signals_(loop_, SIGTERM, SIGINT),
        lag_(loop_),
        end_(loop_) {}

  Status open() {
    events_.listen([](const Event& event) { log(event); });
    networks_.find_namespaces_by([this](const std::string& key) -> Result<runtime::UniqueFd> {
      const Pod* const pod = reconciler_.find(key);
      return pod == nullptr ? fail("pod " + key + ": found none of that name") : pod->open_network();
    });
    networks_.on_moved([this](const std::string& key) {
      if (Pod* const pod = reconciler_.find(key)) pod->network_moved();
    });
    METE_CHECK(read_facts());
    keep_spare_descriptors();
    reserve_low_descriptors();
    METE_CHECK(open_directories());
    METE_CHECK(files_.open());
    METE_CHECK(enforcement_.forensics().open());
    enforcement_.reserve_memory(settings_.config.machine.reserve_memory);
    enforcement_.idle_cpu().reserve(settings_.config.machine.reserve_cpu);
    open_kernel_log();
    if (alerts_) METE_CHECK(alerts_->open());
    // The addresses are bound first: an agent that cannot be reached must not change anything.
    METE_CHECK(servers_.open(collecting_.context(), instruments_));
    if (const auto own = own_cgroup_.enter(hierarchies_, settings_.cgroup_parent + "-agent"); !own)
      log_info("not protected: its memory: " + own.error().what);
    METE_CHECK(foreign_.open());
    METE_CHECK(io_cost_.open());
    METE_CHECK(manifests_.open([this] { reconciler_.reconcile(); }));
    METE_CHECK(workloads_.open());
    service_keeper_.open();
    METE_CHECK(docker_.open());
    reconciler_.on_desired([this] { take_desired(); });
    // The parent is made last: an agent that cannot start has made no cgroup.
    return open_parent();
  }

  void run(std::optional<std::chrono::seconds> run_for, bool remove_all) {
    remove_all_ = remove_all;
    log_info("mete " METE_VERSION " on " + servers_.metrics_url() + ", state " + settings_.state + ", cgroups " +
             settings_.cgroup_parent + " (" + std::string(to_string(hierarchies_.mode)) + ")");
    for (const auto& why : protect_self()) log_info("not protected: " + why);
    if (const auto started = collecting_.start(); !started) {
      events_.add({.severity = Severity::kWarning,
                   .reason = name_of(Reason::kNoDiscovery),
                   .message = started.error().what + "; cgroups that others made are not measured"});
    }
    // With --remove-all --for 0 there is nothing to launch: what other agents have left is adopted and ended.
    if (remove_all && run_for && run_for->count() == 0) reconciler_.end_all({});
    reconciler_.adopt();
    service_keeper_.look();
    docker_.begin();
    api_.also_called([this](const std::string& word) {
      const auto found = docker_.containers().find(word);
      return found ? (*found)->key() : std::string();
    });
    reconciler_.on_gone([this] { image_pruner_.prune_soon(); });
    image_pruner_.start();
    disk_guard_.start();
    usage_models_.start();
    machine_.start();
    parent_limits_.start();
    pool_watch_.start();
    best_effort_.start();
    if (alerts_) alerts_->start();
    api_.set_ready();
    tell_service_manager("READY=1");
    signals_.async_wait([this](ErrorCode error, int) {
      if (!error) stop();
    });
    if (run_for) {
      end_.expires_after(*run_for);
      end_.async_wait([this](ErrorCode error) {
        if (!error) stop();
      });
    }
    measure_lag();
    while (true) {
      // The agent's own functions return errors. A library may still throw, and one bad request must not end the agent.
      try {
        loop_.run();
        return;
      } catch (const std::exception& error) {
        log_error(std::string("unexpected: ") + error.what());
      }
    }
  }

 private:
  Status read_facts() {
    METE_TRY(services_.shim, shim_path(settings_));
    METE_TRY(services_.boot_id, runtime::process::boot_id());
    METE_TRY(const collectors::Machine machine, collectors::read_machine());
    METE_TRY(services_.capabilities, runtime::process::own_bounding_set());
    services_.machine_memory = machine.memory.value_or(Bytes(0));
    return {};
  }

  Status open_directories() {
    METE_CHECK(runtime::make_directories(settings_.pods(), 0700));
    METE_TRY(storage_, runtime::storage::open_driver({settings_.config.storage.driver, images_.layers_directory(),
                                                      settings_.storage(), settings_.config.storage.thin_pool}));
    services_.storage = storage_.get();
    METE_CHECK(runtime::make_directories(settings_.logs()));
    METE_CHECK(runtime::make_directories(settings_.run, 0755));
    METE_CHECK(runtime::make_directories(settings_.run_pods(), 0700));
    return runtime::make_directories(settings_.endpoints(), 0700);
  }

  void open_kernel_log() {
    if (const auto log = kernel_log_.open(); !log) {
      return events_.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kNoKernelLog),
                          .message = log.error().what + "; the victim of an OOM kill can only be guessed"});
    }
    kernel_log_.on_kill([this](const KernelKill& kill) {
      if (auto* const container = reconciler_.by_cgroup(kill.task_memcg)) return container->oom_killed_in_log(kill);
      if (!foreign_.oom_killed_in_log(kill)) report_kill_of_others(enforcement_, kill);
    });
  }

  // What the manifests say now, for those that pods are not made by.
  void take_desired() {
    workloads_.take_manifests();
    service_keeper_.look_soon();
    foreign_.set_policies(manifests_.desired().policies);
    for (auto& sentence : unmatched_.see(manifests_.desired())) {
      events_.add({.severity = Severity::kWarning,
                   .reason = name_of(Reason::kPolicyMatchesNothing),
                   .message = std::move(sentence)});
    }
  }

  Status open_parent() {
    METE_TRY(parent_lock_, lock_parent(hierarchies_, settings_.cgroup_parent));
    METE_TRY(const auto parent, runtime::cgroup::Group::at(hierarchies_, settings_.cgroup_parent));
    services_.features = runtime::cgroup::probe_features(parent);
    (void)enforcement_.cores().open(hierarchies_, settings_.cgroup_parent, settings_.config.machine.reserve_cpu);
    enforcement_.cores().on_changed([this] {
      for (const auto& [key, pod] : reconciler_.pods()) pod->share_cpus();
    });
    return {};
  }

  void stop() {
    tell_service_manager("STOPPING=1");
    usage_models_.save_all();
    io_cost_.release();
    if (!remove_all_) {
      log_info("stopping; containers keep running");
      foreign_.release_all();
      for (const auto& [key, pod] : reconciler_.pods()) pod->give_back();
      loop_.stop();
      return;
    }
    if (stopping_) {
      loop_.stop();  // second signal: stop at once
      return;
    }
    stopping_ = true;
    log_info("stopping; all containers are ended");
    foreign_.release_all();
    constexpr auto kGrace = std::chrono::seconds(1);
    reconciler_.end_all(kGrace);
    signals_.async_wait([this](ErrorCode error, int) {
      if (!error) stop();
    });
    wait_until_gone();
  }

  void wait_until_gone() {
    if (reconciler_.pods().empty()) {
      if (const auto parent = runtime::cgroup::Group::at(hierarchies_, settings_.cgroup_parent)) (void)parent->remove();
      networks_.take_down();
      if (const auto closed = storage_->close(); !closed) log_error(closed.error().what);
      loop_.stop();
      return;
    }
    constexpr auto kAgain = std::chrono::milliseconds(20);
    end_.expires_after(kAgain);
    end_.async_wait([this](ErrorCode error) {
      if (!error) wait_until_gone();
    });
  }

  void measure_lag() {
    lag_.expires_after(kLagEvery);
    lag_.async_wait([this](ErrorCode error) {
      if (error) return;
      instruments_.loop_lag(std::chrono::steady_clock::now() - lag_.expiry());
      if (burst_.is_over(launches_.begun())) let_go_of_code();
      measure_lag();
    });
  }

  runtime::UniqueFd parent_lock_;
  asio::io_context loop_{1};
  const Settings& settings_;
  runtime::cgroup::Hierarchies hierarchies_;
  OwnCgroup own_cgroup_;
  runtime::image::Store images_;
  collectors::Collection collection_;
  EventLog events_;
  FileWatcher files_;
  KernelLog kernel_log_;
  Instruments instruments_;
  LaunchGate launches_;
  StartBurst burst_;
  Turns turns_;
  std::unique_ptr<runtime::storage::Driver> storage_;  // before the threads that use it
  Workers workers_;
  Workers cleaners_;
  NamespaceConnections connections_;
  ImagePuller puller_;
  Services services_;
  Enforcement enforcement_;
  Manifests manifests_;
  UnmatchedPolicies unmatched_;
  ForeignEnforcement foreign_;
  IoCostEnforcer io_cost_;
  Networks networks_;
  DeviceBook devices_;
  VolumeMounts mounts_;
  Reconciler reconciler_;
  Workloads workloads_;
  ServiceKeeper service_keeper_;
  ImagePruner image_pruner_;
  DiskGuard disk_guard_;
  CollectingThread collecting_;
  Exporter exporter_;
  UsageModels usage_models_;
  MachineEnforcer machine_;
  ParentLimits parent_limits_;
  PoolWatch pool_watch_;
  BestEffortEnforcer best_effort_;
  std::unique_ptr<Alerts> alerts_;  // null: not asked for
  docker::Engine docker_;
  Api api_;
  Servers servers_;
  asio::signal_set signals_;
  Timer lag_;
  Timer end_;
  bool remove_all_ = false;
  bool stopping_ = false;
};

}  // namespace

Status run_agent(const Settings& settings, std::optional<std::chrono::seconds> run_for, bool remove_all) {
  ::signal(SIGPIPE, SIG_IGN);
  METE_TRY(const runtime::UniqueFd state_lock, lock_directory(settings.state, 0700));
  METE_TRY(const runtime::UniqueFd run_lock, lock_directory(settings.run, 0755));
  METE_TRY(runtime::cgroup::Hierarchies hierarchies, runtime::cgroup::find_hierarchies());
  METE_TRY(runtime::image::Store images, runtime::image::Store::open(settings.images()));
  Agent agent(settings, std::move(hierarchies), std::move(images));
  METE_CHECK(agent.open());
  agent.run(run_for, remove_all);
  return {};
}

}  // namespace mete::agent
