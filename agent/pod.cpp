// SPDX-License-Identifier: Apache-2.0
#include "agent/pod.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "enforcers/limits.h"
#include "enforcers/qos.h"
#include "runtime/file.h"
#include "runtime/network/network.h"
#include "runtime/pod/container_spec.h"
#include "runtime/storage/volumes.h"

namespace mete::agent {
namespace {

using runtime::Durability;

std::string new_uid() {
  unsigned char bytes[16] = {};
  (void)!::getrandom(bytes, sizeof bytes, 0);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);  // RFC 9562: version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string uid;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) uid += '-';
    uid += hex;
  }
  return uid;
}

WallTime now() { return std::chrono::system_clock::now(); }

ContainerRecord new_container(const config::Container& container, bool init) {
  ContainerRecord record;
  record.name = container.name;
  record.init = init;
  return record;
}

}  // namespace

std::string pod_cgroup_path(const std::string& parent, const std::string& namespace_, const std::string& name) {
  return parent + "/" + namespace_ + "_" + name;
}

Pod::Pod(Services& services, PodRecord record, runtime::cgroup::Group cgroup, std::function<void()> gone)
    : services_(services),
      record_(std::move(record)),
      cgroup_(std::move(cgroup)),
      gone_(std::move(gone)),
      restart_timer_(services.loop),
      end_timer_(services.loop),
      sandbox_ready_(services.loop),
      sandbox_(services.loop) {}

Pod::~Pod() = default;

Result<std::unique_ptr<Pod>> Pod::create(Services& services, config::PodPlan plan, std::string hash, std::function<void()> gone) {
  PodRecord record;
  const auto& metadata = plan.pod.metadata;
  // Of our own making even when the manifest has one: directories are named by it.
  record.uid = new_uid();
  record.namespace_ = metadata.namespace_;
  record.name = metadata.name;
  record.source = plan.pod.location.file;
  record.hash = std::move(hash);
  record.boot_id = services.boot_id;
  record.created = now();
  record.grace = plan.pod.spec.termination_grace_period;
  for (const auto& container : plan.pod.spec.init_containers) record.containers.push_back(new_container(container, true));
  for (const auto& container : plan.pod.spec.containers) record.containers.push_back(new_container(container, false));
  METE_TRY(runtime::cgroup::Group cgroup,
           runtime::cgroup::Group::at(services.hierarchies, pod_cgroup_path(services.settings.cgroup_parent, record.namespace_, record.name)));
  std::unique_ptr<Pod> pod(new Pod(services, std::move(record), std::move(cgroup), std::move(gone)));
  pod->plan_ = std::move(plan);
  METE_CHECK(runtime::make_directories(pod->directory(), 0700));
  if (auto saved = agent::save(pod->record_, pod->directory(), Durability::volatile_); !saved) {
    (void)runtime::remove_tree(pod->directory());
    return tl::unexpected(std::move(saved.error()));
  }
  for (std::size_t i = 0; i < pod->record_.containers.size(); ++i) pod->containers_.push_back(std::make_unique<Container>(*pod, i));
  return pod;
}

Result<std::unique_ptr<Pod>> Pod::adopt(Services& services, PodRecord record, std::function<void()> gone) {
  METE_TRY(runtime::cgroup::Group cgroup,
           runtime::cgroup::Group::at(services.hierarchies, pod_cgroup_path(services.settings.cgroup_parent, record.namespace_, record.name)));
  std::unique_ptr<Pod> pod(new Pod(services, std::move(record), std::move(cgroup), std::move(gone)));
  for (std::size_t i = 0; i < pod->record_.containers.size(); ++i) pod->containers_.push_back(std::make_unique<Container>(*pod, i));
  return pod;
}

void Pod::begin_adopted() {
  const bool rebooted = record_.boot_id != services_.boot_id;
  if (rebooted) {
    record_.sandbox = {};
  } else if (record_.sandbox.pid == 0) {
    // Its launch may have been recorded only by the launch itself.
    const auto started = runtime::shim::AttemptFiles(directory() + "/sandbox").started();
    if (started && *started) record_.sandbox = (*started)->id;
  }
  if (record_.sandbox.pid != 0) watch_sandbox();
  for (auto& container : containers_) container->adopt();
  if (rebooted) {
    record_.boot_id = services_.boot_id;
    save(Durability::volatile_);
  }
  if (record_.terminating) {
    record_.terminating = false;
    terminate();
  } else if (record_.stopped) {
    record_.stopped = false;
    stop(std::nullopt);
  } else {
    step();
  }
}

void Pod::set_plan(config::PodPlan plan) {
  const bool policy_changed = plan_ && plan_->policy != plan.policy;
  plan_ = std::move(plan);
  record_.source = plan_->pod.location.file;
  if (policy_changed) {
    for (auto& container : containers_) container->apply_limits();
    tell(Severity::kNormal, "PolicyChanged", "", "A changed policy is applied to the running containers");
  }
}

config::RestartPolicy Pod::restart_policy() const {
  return plan_ ? plan_->pod.spec.restart_policy : config::RestartPolicy::kNever;
}
PodPhase Pod::phase() const { return phase_of(record_, restart_policy()); }
std::string Pod::directory() const { return services_.settings.pods() + "/" + record_.uid; }
std::string Pod::run_directory() const { return services_.settings.run + "/pods/" + record_.uid; }

Container* Pod::container(const std::string& name) const {
  for (const auto& container : containers_) {
    if (container->record().name == name) return container.get();
  }
  return nullptr;
}

Status Pod::try_save(Durability durability) {
  // The record of a pod that is being deleted goes with it: no power failure makes it worth more.
  return agent::save(record_, directory(), record_.terminating ? Durability::volatile_ : durability);
}

void Pod::save(Durability durability) {
  const auto saved = try_save(durability);
  if (!saved && !save_failed_) tell(Severity::kWarning, "RecordNotSaved", "", saved.error().what);
  save_failed_ = !saved;
}

void Pod::tell(Severity severity, std::string reason, const std::string& container, std::string message,
               std::vector<std::pair<std::string, std::string>> fields) {
  services_.events.add({.severity = severity,
                        .reason = std::move(reason),
                        .pod = record_.key(),
                        .container = container,
                        .message = std::move(message),
                        .fields = std::move(fields)});
}

Status Pod::prepare() {
  if (prepared_) return {};
  const auto& pod = plan_->pod;
  METE_TRY(volumes_, runtime::storage::prepare_volumes(*plan_, {directory() + "/volumes", run_directory() + "/volumes"}));
  const std::string etc = run_directory() + "/etc";
  METE_CHECK(runtime::make_directories(etc));
  const std::string hostname = runtime::pod::hostname_of(pod);
  const std::string hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\t" + hostname + "\n";
  METE_CHECK(runtime::replace_file(etc + "/hosts", hosts, 0644, Durability::volatile_));
  METE_CHECK(runtime::replace_file(etc + "/hostname", hostname + "\n", 0644, Durability::volatile_));
  METE_CHECK(cgroup_.create());
  if (auto applied = cgroup_.apply(enforcers::pod_limits(pod.spec, services_.hierarchies)); !applied) return tl::unexpected(applied.error());
  prepared_ = true;
  return {};
}

void Pod::step() {
  if (record_.terminating || record_.stopped) {
    clean_up();
    return;
  }
  if (!plan_) return;
  const auto next = next_steps(record_, now());
  if (next.look_again) look_again_at(*next.look_again);
  if (next.start.empty()) return;
  if (auto prepared = prepare(); !prepared) {
    for (const auto index : next.start) containers_[index]->not_launched(prepared.error());
    return;
  }
  if (!ensure_sandbox()) return;
  for (const auto index : next.start) containers_[index]->start();
}

void Pod::look_again_at(WallTime at) {
  restart_timer_.expires_after(std::max(std::chrono::nanoseconds(0), at - now()) + std::chrono::milliseconds(1));
  restart_timer_.async_wait(alive_.guard([this] { step(); }));
}

void Pod::container_started() {
  if (!record_.terminating && !record_.stopped) return;
  // It was being started when the end was decided, and has missed the signal, or the kill after it.
  signal_all();
  if (end_at_ > std::chrono::steady_clock::now()) return;
  for (auto& container : containers_) {
    if (container->is_active()) container->kill();
  }
}

void Pod::container_ended() {
  // Later: the container is in the middle of its own function.
  services_.turns.add(alive_.guard([this] { step(); }));
}

void Pod::signal_all() {
  for (auto& container : containers_) {
    if (container->record().state == ContainerState::kRunning) (void)container->signal(container->stop_signal());
  }
}

void Pod::end_all(std::chrono::seconds grace) {
  restart_timer_.cancel();
  for (auto& container : containers_) {
    auto& own = container->record();
    if (own.state == ContainerState::kWaiting) own.state = ContainerState::kExited;
  }
  save(Durability::volatile_);
  signal_all();
  end_at_ = std::chrono::steady_clock::now() + grace;
  end_timer_.expires_at(end_at_);
  clean_up_delay_ = kFirstCleanUp;
  end_timer_.async_wait(alive_.guard([this] { kill_all(); }));
  clean_up();
}

void Pod::kill_all() {
  for (auto& container : containers_) {
    if (container->is_active()) container->kill();
  }
  // A shim may be unable to write how its container ended (a full disk); who is deleted need not know.
  constexpr auto kPatience = std::chrono::seconds(3);
  end_timer_.expires_after(kPatience);
  end_timer_.async_wait(alive_.guard([this] {
    for (auto& container : containers_) {
      if (record_.terminating && container->is_active()) container->give_up_shim();
    }
    kill_all();
  }));
}

void Pod::terminate(std::optional<std::chrono::seconds> grace) {
  if (record_.terminating) {
    // A second, more impatient delete shortens the first.
    if (grace && *grace < record_.grace) end_all(*grace);
    return;
  }
  if (grace) record_.grace = *grace;
  record_.terminating = true;
  ending_ = false;
  tell(Severity::kNormal, "Terminating", "", "Pod " + record_.key() + " is being deleted");
  end_all(record_.grace);
}

void Pod::stop(std::optional<std::chrono::seconds> grace) {
  if (record_.terminating || record_.stopped) return;
  record_.stopped = true;
  tell(Severity::kNormal, "Stopping", "", "Pod " + record_.key() + " is being stopped");
  end_all(grace.value_or(record_.grace));
}

void Pod::start() {
  if (record_.terminating || !record_.stopped) return;
  record_.stopped = false;
  end_timer_.cancel();
  for (auto& container : containers_) {
    auto& own = container->record();
    if (container->is_active() || (own.init && own.exit_code == 0 && own.has_ended)) continue;
    own.state = ContainerState::kWaiting;
    own.next_start = {};
    own.backoff = {};
  }
  save(Durability::volatile_);
  step();
}

void Pod::clean_up() {
  if (ending_) return;
  if (std::any_of(containers_.begin(), containers_.end(), [](const auto& each) { return each->is_active(); })) return;
  end_timer_.cancel();
  if (remove_everything()) {
    if (!record_.terminating) return;
    ending_ = true;
    tell(Severity::kNormal, "Deleted", "", "Pod " + record_.key() + " is gone");
    // A copy: the call destroys this pod, and with it the function.
    asio::post(services_.loop, [gone = gone_] { gone(); });
    return;
  }
  // A killed process is still leaving its cgroup. Looked for less and less often.
  constexpr auto kLongest = std::chrono::milliseconds(500);
  restart_timer_.expires_after(clean_up_delay_);
  clean_up_delay_ = std::min(2 * clean_up_delay_, kLongest);
  restart_timer_.async_wait(alive_.guard([this] { services_.turns.add(alive_.guard([this] { clean_up(); })); }));
}

bool Pod::remove_everything() {
  if (record_.sandbox.pid != 0 || sandbox_starting_) {
    const auto sandbox = cgroup_.child("_sandbox");
    if (sandbox) (void)sandbox->kill_all();
    if (sandbox_starting_) return false;
    if (runtime::process::open_pidfd(record_.sandbox)) return false;
    record_.sandbox = {};
    save(Durability::volatile_);
  }
  for (auto& container : containers_) {
    if (!container->remove_cgroup()) {
      container->kill();
      return false;
    }
  }
  if (!cgroup_.remove()) return false;
  prepared_ = false;
  if (!record_.terminating) return true;
  // The record goes last: until then a restart finds the rest.
  const auto removed = [&]() -> Status {
    if (plan_) METE_CHECK(runtime::network::driver_of(plan_->pod.spec).detach(record_.uid));
    METE_CHECK(runtime::storage::remove_volumes({directory() + "/volumes", run_directory() + "/volumes"}));
    METE_CHECK(runtime::remove_tree(run_directory()));
    METE_CHECK(runtime::remove_tree(services_.settings.logs() + "/" + record_.namespace_ + "_" + record_.name));
    METE_CHECK(runtime::remove_tree(directory() + "/containers"));
    METE_CHECK(runtime::remove_tree(directory() + "/sandbox"));
    return runtime::remove_tree(directory());
  }();
  if (!removed) tell(Severity::kWarning, "CleanUpFailed", "", removed.error().what);
  return removed.has_value();
}

}  // namespace mete::agent
