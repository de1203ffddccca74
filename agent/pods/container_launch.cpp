// SPDX-License-Identifier: Apache-2.0
// The start of an attempt: its files, its cgroup, its plan, its shim.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "agent/base/digest.h"
#include "agent/base/spawn.h"
#include "agent/pods/container.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"
#include "enforcers/qos.h"
#include "runtime/cgroup/devices.h"
#include "runtime/file.h"
#include "runtime/pod/container_spec.h"
#include "runtime/process/cgroup_entry.h"
#include "runtime/process/plan.h"
#include "runtime/process/seccomp.h"
#include "runtime/process/signals.h"
#include "runtime/process/wire.h"

namespace mete::agent {
namespace {

const config::ContainerPlan* resolved_of(const config::PodPlan& plan, const std::string& name) {
  for (const auto* list : {&plan.init_containers, &plan.containers}) {
    for (const auto& each : *list) {
      if (each.name == name) return &each;
    }
  }
  return nullptr;
}

}  // namespace

void Container::start() {
  auto& own = record();
  own.state = ContainerState::kStarting;
  launch_requested_ = std::chrono::steady_clock::now();
  services_.launches.enter(alive_.guard([this] { launch(); }));
}

void Container::leave_gate() {
  if (!in_gate_) return;
  in_gate_ = false;
  services_.launches.leave(services_.loop);
}

void Container::launch() {
  in_gate_ = true;
  if (pod_.is_ending()) {
    // Ended while it waited for its turn.
    record().state = ContainerState::kExited;
    leave_gate();
    pod_.container_ended();
    return;
  }
  const std::uint32_t restarts = record().restarts;
  if (auto begun = begin_attempt(); !begun) {
    // Nothing was run, so nothing was run again.
    record().restarts = restarts;
    leave_gate();
    not_launched(begun.error());
  }
}

Status Container::begin_attempt() {
  auto& own = record();
  image_missing_ = true;
  METE_TRY(const runtime::image::Image image, services_.images.find(spec()->image));
  image_missing_ = false;
  image_name_ = image.name;
  stop_signal_ = runtime::process::signal_number(image.config.stop_signal).value_or(SIGTERM);
  if (own.has_ended) ++own.restarts;
  ++own.attempt;
  own.oom_in_attempt = false;
  own.killed_by_policy = false;
  own.raised_memory = 0;
  own.restart_wanted = false;
  own.end_reason.clear();
  pre_stopped_ = false;
  own.layers = image.layers;
  // The record first: what is made from here on is found by its attempt number. What no record can tell is not made.
  METE_CHECK(pod_.try_save(runtime::Durability::volatile_));
  // All earlier ones: an agent may have died between the record of one and this.
  METE_CHECK(runtime::remove_tree(attempts_directory()));
  const runtime::shim::AttemptFiles files = this->files();
  const std::string& directory = files.directory();
  for (const char* each : {"", "/root", "/upper", "/work"}) METE_CHECK(runtime::make_directories(directory + each));
  METE_CHECK(claim_cgroup());
  METE_CHECK(write_plan(directory, image));
  METE_CHECK(runtime::make_directories(log_path().substr(0, log_path().rfind('/'))));
  METE_TRY(runtime::UniqueFd lock, files.try_lock());
  if (!lock.valid()) return fail(files.lock() + ": found it locked, expected nobody in a new attempt");
  const auto& log = services_.settings.log_limits;
  METE_TRY(SpawnedShim shim, spawn_shim(services_.shim, "run", directory, std::move(lock),
                                        {"--log", log_path(), "--log-max-bytes", std::to_string(log.max_bytes),
                                         "--log-files", std::to_string(log.files)}));
  // Beside the shim, who makes the namespaces and mounts meanwhile, and lets nothing of the container run before it is
  // told.
  if (auto prepared = prepare_cgroup(); !prepared) {
    give_up(std::move(shim));
    return prepared;
  }
  const char made = 1;
  (void)!::write(shim.cgroups.get(), &made, 1);  // one that has ended meanwhile is noticed by its pidfd
  shim_pid_ = shim.pid;
  wait_until_ready(std::move(shim.ready));
  watch_shim(std::move(shim.pidfd));
  return {};
}

Status Container::claim_cgroup() {
  if (record().cgroup_id == 0) {
    // One that is there has been folded into the record already, but its removal was not finished: counted again, its
    // kills would be told twice.
    (void)cgroup_.kill_all();
    METE_CHECK(cgroup_.remove());
  }
  METE_CHECK(cgroup_.create_unified());
  // What an earlier attempt left behind outside its PID namespace must not live on beside the new one.
  if (const auto populated = cgroup_.populated(); populated && *populated) return cgroup_.kill_all();
  return {};
}

Status Container::prepare_cgroup() {
  auto& own = record();
  METE_CHECK(cgroup_.create());
  look_for_disks();
  see_to_cores();
  limits_ = enforcers::changed_limits(limits_, asked_limits());
  METE_TRY(const std::uint64_t id, cgroup_.id());
  own.limits_written = digest(limits_, services_.hierarchies);
  if (own.cgroup_id != id) {
    if (own.cgroup_id != 0) fold_cgroup();  // somebody removed it meanwhile
    own.cgroup_id = id;
    own.oom_by_group = limits_.oom_group.value_or(false);
    // Before anything runs in it: an agent that finds no id in the record looks for no kills.
    pod_.save(runtime::Durability::volatile_);
  }
  choose_oom_counter();  // the policy may have changed since the last attempt
  if (auto applied = cgroup_.apply(limits_); !applied) return tl::unexpected(applied.error());
  METE_CHECK(set_up_devices());
  open_cgroup();
  return {};
}

Result<std::string> Container::seccomp_filter(std::uint64_t capabilities) {
  auto& cache = services_.seccomp_filters;
  if (const auto at = cache.find(capabilities); at != cache.end()) return at->second;
  METE_TRY(std::string filter, runtime::process::default_seccomp_filter(capabilities));
  return cache[capabilities] = std::move(filter);
}

Status Container::write_plan(const std::string& directory, const runtime::image::Image& image) {
  const auto& plan = *pod_.plan();
  const auto& container = *spec();
  runtime::pod::ContainerContext context;
  context.image = image.config;
  context.overlay = {services_.images.layers_directory(), image.layers, directory + "/upper", directory + "/work"};
  context.rootfs = directory + "/root";
  context.volumes = pod_.volumes();
  const bool host_network = plan.pod.spec.host_network;
  const std::string etc = host_network ? "/etc" : pod_.run_directory() + "/etc";
  context.hosts_file = etc + "/hosts";
  context.hostname_file = etc + "/hostname";
  if (host_network) context.resolv_file = etc + "/resolv.conf";
  for (auto* file : {&context.hosts_file, &context.hostname_file, &context.resolv_file}) {
    if (!file->empty() && ::access(file->c_str(), R_OK) != 0) file->clear();
  }
  if (policy() != nullptr && policy()->memory.notify) {
    context.pressure_fifo = files().pressure();
    constexpr mode_t kAnybody = 0666;  // whoever runs in the container; the attempt's directory is root's
    if (::mkfifo(context.pressure_fifo.c_str(), 0600) != 0 || ::chmod(context.pressure_fifo.c_str(), kAnybody) != 0)
      return fail_errno("make " + context.pressure_fifo);
  }
  look_for_devices();
  context.devices = allowed_devices();
  context.sandbox_pid = pod_.sandbox_pid();
  context.cgroup = runtime::process::join_of(cgroup_);
  context.cgroup_view = runtime::process::view_of(services_.hierarchies);
  context.capabilities = services_.capabilities;
  context.oom_score_adj =
      enforcers::oom_score_adj(enforcers::qos_of(plan.pod.spec), container, services_.machine_memory);
  METE_TRY(runtime::process::LaunchSpec spec,
           runtime::pod::container_spec(plan, container, *resolved_of(plan, container.name), context));
  if (!container.security.privileged) {
    METE_TRY(spec.identity.seccomp_filter, seccomp_filter(spec.identity.capabilities.bounding));
  }
  METE_TRY(const runtime::process::Plan launch, runtime::process::make_plan(spec));
  return runtime::replace_file(runtime::shim::AttemptFiles(directory).plan(), runtime::process::encode(launch), 0600,
                               runtime::Durability::volatile_);
}

void Container::wait_until_ready(runtime::UniqueFd ready_end) {
  ready_.close();
  ready_.assign(ready_end.release());
  ready_.async_wait(asio::posix::stream_descriptor::wait_read, alive_.guard([this] { ready(); }));
}

void Container::ready() {
  ready_.close();
  leave_gate();
  auto& own = record();
  const auto started = files().started();
  if (!started || !*started || own.state != ContainerState::kStarting) return;  // it failed: the shim's end tells how
  own.state = ContainerState::kRunning;
  own.process = (*started)->id;
  own.started_at = (*started)->at;
  own.waiting_reason.clear();
  own.message.clear();
  services_.instruments.launch(std::chrono::steady_clock::now() - launch_requested_);
  oom_record_.remember_command();
  pod_.save(runtime::Durability::volatile_);
  pod_.tell(Severity::kNormal, "Started", own.name, "Started container " + own.name,
            {{"pid", std::to_string(own.process.pid)}, {"attempt", std::to_string(own.attempt)}});
  // Every attempt is refused the same: once is enough.
  for (const auto& warning : !own.has_ended ? (*started)->warnings : std::vector<std::string>())
    pod_.tell(Severity::kWarning, "NotEnforced", own.name, warning);
  watch_process();
  pod_.container_started();
}

void Container::watch_shim(runtime::UniqueFd pidfd) {
  shim_.close();
  shim_.assign(pidfd.release());
  shim_.async_wait(asio::posix::stream_descriptor::wait_read,
                   alive_.guard([this] { services_.turns.add(alive_.guard([this] { ended(); })); }));
}

}  // namespace mete::agent
