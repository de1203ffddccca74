// SPDX-License-Identifier: Apache-2.0
// The start of an attempt: its files, its cgroup, its plan, its shim.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "agent/base/readable.h"
#include "agent/base/spawn.h"
#include "agent/networks/networks.h"
#include "agent/pods/container/attempt.h"
#include "agent/pods/container/launch_plan.h"
#include "agent/pods/pod.h"
#include "runtime/file.h"
#include "runtime/process/signals.h"
#include "runtime/storage/place.h"

namespace mete::agent {
namespace {

Status remove_other_attempts(const std::string& folder, const std::string& own) {
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(folder, ignored)) {
    if (each.path().string() != own) METE_CHECK(runtime::storage::remove_place(each.path().string()));
  }
  return {};
}

// The agent's own bounds, or those that a docker client asks for.
std::vector<std::string> log_options(const ContainerSlot& slot) {
  const auto& own = slot.services().settings.log_limits;
  const auto& wish = slot.spec()->extras->log;
  const std::int64_t size = wish.max_size ? wish.max_size->count() : own.max_bytes;
  const int files = wish.files ? static_cast<int>(*wish.files) : own.files;
  return {"--log",           wish.none ? std::string() : slot.log_path(),
          "--log-max-bytes", std::to_string(size),
          "--log-files",     std::to_string(files)};
}

}  // namespace

void Attempt::start() {
  slot_.record().state = ContainerState::kStarting;
  launch_requested_ = std::chrono::steady_clock::now();
  services_.launches.enter(alive_.guard([this] { launch(); }));
}

void Attempt::leave_gate() {
  if (!in_gate_) return;
  in_gate_ = false;
  services_.launches.leave(services_.loop);
}

void Attempt::launch() {
  in_gate_ = true;
  if (has_ended_meanwhile()) return;
  restarts_before_ = slot_.record().restarts;
  if (auto begun = begin(); !begun) failed_to_begin(begun.error());
}

bool Attempt::has_ended_meanwhile() {
  if (!slot_.pod().is_ending() && !slot_.pod().record().restarting.holds) return false;
  slot_.record().state = ContainerState::kExited;
  leave_gate();
  slot_.pod().container_ended();
  return true;
}

void Attempt::failed_to_begin(const Error& error) {
  // Nothing was run, so nothing was run again.
  slot_.record().restarts = restarts_before_;
  leave_gate();
  not_launched(error);
}

Status Attempt::begin() {
  auto& own = slot_.record();
  image_missing_ = true;
  METE_TRY(const runtime::image::Image image, services_.images.find(slot_.spec()->image));
  image_missing_ = false;
  image_name_ = image.name;
  take_stop_signal(image);
  own.fresh = false;
  if (own.has_ended) {
    ++own.restarts;
    own.last_started_at = own.started_at;
  }
  ++own.attempt;
  own.oom_in_attempt = false;
  own.killed_by_policy = false;
  own.raised_memory = 0;
  own.restart_wanted = false;
  own.end_reason.clear();
  own.end_within.reset();
  own.unwell = own.post_started = own.started = own.ready = false;
  pre_stopped_ = false;
  own.layers = image.layers;
  const auto& of_volumes = slot_.pod().image_layers();
  own.layers.insert(own.layers.end(), of_volumes.begin(), of_volumes.end());
  // The record first: what is made from here on is found by its attempt number. What no record can tell is not made.
  METE_CHECK(slot_.try_save(runtime::Durability::volatile_));
  METE_CHECK(clear_place());
  return make_root(image);
}

void Attempt::take_stop_signal(const runtime::image::Image& image) {
  const auto* const spec = slot_.spec();
  const bool own = spec != nullptr && !spec->stop_signal.empty();
  stop_signal_ = runtime::process::signal_number(own ? spec->stop_signal : image.config.stop_signal).value_or(SIGTERM);
}

Status Attempt::clear_place() {
  const std::string directory = slot_.files().directory();
  if (slot_.spec()->extras->keeps_layer) {
    METE_CHECK(take_layer());
  } else {
    METE_CHECK(runtime::storage::remove_place(directory));
  }
  // All earlier ones: an agent may have died between the record of one and this.
  METE_CHECK(remove_other_attempts(slot_.attempts_directory(), directory));
  return runtime::make_directories(directory);
}

Status Attempt::take_layer() {
  const std::string directory = slot_.files().directory();
  std::error_code ignored;
  for (const auto& earlier : std::filesystem::directory_iterator(slot_.attempts_directory(), ignored)) {
    const std::string place = earlier.path().string();
    if (place == directory || !runtime::storage::keeps_written(place)) continue;
    METE_CHECK(runtime::make_directories(directory));
    return runtime::storage::move_written(place, directory);
  }
  return {};
}

std::optional<Bytes> Attempt::wanted_quota() const {
  if (slot_.spec() == nullptr) return std::nullopt;
  const auto& spec = *slot_.spec();
  if (spec.extras->layer_size) return spec.extras->layer_size;
  const auto& limit = spec.resources.limits.ephemeral_storage;
  const bool held = services_.settings.config.storage.disk_limit == config::DiskLimit::kQuota;
  if (!held || !limit || *limit == Bytes(0) || !services_.storage->can_limit()) return std::nullopt;
  return limit;
}

void Attempt::tell_of_quota() const {
  const auto& limit = slot_.spec()->resources.limits.ephemeral_storage;
  const bool held = services_.settings.config.storage.disk_limit == config::DiskLimit::kQuota;
  if (!held || !limit || slot_.record().has_ended) return;
  if (const auto can = services_.storage->can_limit(); !can)
    slot_.warn(Reason::kNotEnforced, can.error().what + "; ephemeral-storage is measured, and the pod is evicted");
}

Status Attempt::make_root(const runtime::image::Image& image) {
  auto& driver = *services_.storage;
  runtime::storage::RootWish wish{slot_.files().directory(), image.layers, wanted_quota()};
  tell_of_quota();
  if (!driver.takes_time(wish)) {
    METE_TRY(auto root, driver.make(wish));
    return launch_in(image, std::move(root));
  }
  const auto made = std::make_shared<Result<runtime::storage::ContainerRoot>>();
  services_.workers.run([&driver, wish = std::move(wish), made] { *made = driver.make(wish); },
                        alive_.guard([this, image, made] { root_made(image, std::move(*made)); }));
  return {};
}

void Attempt::root_made(const runtime::image::Image& image, Result<runtime::storage::ContainerRoot> root) {
  if (has_ended_meanwhile()) return;
  const auto begun = [&]() -> Status {
    if (!root) return tl::unexpected(root.error());
    return launch_in(image, std::move(*root));
  }();
  if (!begun) failed_to_begin(begun.error());
}

Status Attempt::launch_in(const runtime::image::Image& image, runtime::storage::ContainerRoot root) {
  METE_CHECK(runtime::make_directories(slot_.pod().paths().logs()));
  METE_TRY(const JoinedNamespaces joined, open_joined(slot_));
  METE_TRY(StartingShim starting, start_shim(joined));
  // Beside the shim, which starts, then reads the plan, and makes the namespaces and mounts. It lets nothing of the
  // container run before the cgroups are there.
  Status prepared = make_files(image, std::move(root), joined);
  if (prepared) starting.tell_of_plan();
  if (prepared) prepared = cgroup_.prepare();
  METE_TRY(SpawnedShim shim, starting.wait());
  if (!prepared) {
    give_up(std::move(shim));
    return prepared;
  }
  shim.tell();
  shim_pid_ = shim.pid;
  ready_.close();
  ready_.assign(shim.ready.release());
  when_readable(alive_, ready_, [this] { ready(); });
  watch_shim(std::move(shim.pidfd));
  return {};
}

Status Attempt::make_files(const runtime::image::Image& image, runtime::storage::ContainerRoot root,
                           const JoinedNamespaces& joined) {
  METE_CHECK(cgroup_.claim());
  METE_CHECK(cgroup_.devices().find());
  LaunchDevices devices;
  METE_TRY(devices.nodes, cgroup_.devices().nodes());
  devices.rules = cgroup_.devices().rules();
  devices.cdi = cgroup_.devices().cdi();
  return write_launch_plan(slot_, cgroup_.group(), std::move(devices), joined, image, std::move(root));
}

const Attempt::Measured& Attempt::measured() const {
  const std::uint32_t attempt = slot_.record().attempt;
  if (measured_.attempt == attempt && attempt != 0) return measured_;
  const std::string place = slot_.files().directory();
  measured_ = {0, false, runtime::storage::Place(place).upper(), ""};
  if (auto written = runtime::storage::written_in(place)) {
    measured_ = {attempt, written->quota.has_value(), written->upper.empty() ? written->tree : written->upper,
                 written->base};
  }
  return measured_;
}

bool Attempt::has_layer_quota() const {
  return measured().has_quota;
}

const std::string& Attempt::writable_layer() const {
  return measured().layer;
}

const std::string& Attempt::base_of_layer() const {
  return measured().base;
}

Result<StartingShim> Attempt::start_shim(const JoinedNamespaces& joined) {
  const runtime::shim::AttemptFiles files = slot_.files();
  METE_TRY(runtime::UniqueFd lock, files.try_lock());
  if (!lock.valid()) return fail(files.lock() + ": found it locked, expected nobody in a new attempt");
  auto more = log_options(slot_);
  if (const auto& spec = *slot_.spec(); spec.stdin_open) {
    more.insert(more.end(), {"--stdin", spec.stdin_once ? "once" : "open"});
  }
  const auto attached = std::exchange(attach_next_, {});
  return StartingShim::begin({.shim = services_.shim,
                              .mode = "run",
                              .directory = files.directory(),
                              .lock = std::move(lock),
                              .more = more,
                              .attached = &attached,
                              .network = slot_.pod().networks().namespace_descriptor(slot_.pod().record().uid),
                              .pid = joined.pid.get(),
                              .ipc = joined.ipc.get()});
}

void Attempt::ready() {
  ready_.close();
  leave_gate();
  auto& own = slot_.record();
  const auto started = slot_.files().started();
  if (!started || !*started || own.state != ContainerState::kStarting) return;  // it failed: the shim's end tells how
  services_.instruments.launch(std::chrono::steady_clock::now() - launch_requested_);
  running(**started);
  // Not looked at while another runtime made the container.
  if (const auto* plan = slot_.pod().plan(); plan != nullptr && !plan->runtime.empty()) cgroup_.watch().check_drift();
  probes_.running();
  slot_.save(runtime::Durability::volatile_);
  slot_.report(Severity::kNormal, name_of(Reason::kStarted), "Started container " + own.name,
               {{"pid", std::to_string(own.process.pid)}, {"attempt", std::to_string(own.attempt)}});
  // Every attempt is refused the same: once is enough.
  for (const auto& warning : !own.has_ended ? (*started)->warnings : std::vector<std::string>())
    slot_.warn(Reason::kNotEnforced, warning);
  watch_process();
  slot_.pod().container_started();
}

void Attempt::watch_shim(runtime::UniqueFd pidfd) {
  shim_.close();
  shim_.assign(pidfd.release());
  when_readable(alive_, shim_, [this] { services_.turns.add(alive_.guard([this] { ended(); })); });
}

}  // namespace mete::agent
