// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/oom_record.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/pods/pod.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

// What cannot be synced (the pod is gone) need not be.
void sync_record(const std::string& directory) {
  for (const std::string& path : {directory + "/record.json", directory}) {
    const runtime::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.valid()) (void)::fsync(file.get());
  }
}

}  // namespace

std::optional<std::uint64_t> OomRecord::counter() const {
  const auto kills = group_.oom_kills();
  if (!kills) return std::nullopt;
  return kills->count(slot_.record().oom_by_group);
}

std::optional<OomAccount::Counts> OomRecord::counts() const {
  const auto& own = slot_.record();
  if (own.cgroup_id == 0) return std::nullopt;
  const auto now = counter();
  if (!now) return std::nullopt;
  return Counts{*now, own.oom_kills_told};
}

void OomRecord::enter(std::uint64_t counter) {
  auto& own = slot_.record();
  own.oom_kills_told = counter;
  own.oom_in_attempt = true;
  // Should the agent die, this is enough. For a power failure it must be on disk, which takes milliseconds: that is
  // begun in reported(), and nobody waits for it.
  slot_.save(runtime::Durability::volatile_);
}

std::uint64_t OomRecord::total() const {
  const auto& own = slot_.record();
  return own.oom_kills_base + own.oom_kills_told - own.oom_kills_from;
}

std::uint64_t OomRecord::kills() const {
  const auto& own = slot_.record();
  if (own.cgroup_id == 0) return own.oom_kills_base;
  return own.oom_kills_base + counter().value_or(own.oom_kills_told) - own.oom_kills_from;
}

std::string OomRecord::pod_cgroup() const {
  return slot_.pod().cgroup().path();
}

std::string OomRecord::command_of(pid_t pid) const {
  return pid == slot_.record().process.pid ? first_command_ : std::string();
}

void OomRecord::note_scope(const std::string& scope) {
  if (scope != "container") ++slot_.record().oom_kills_by_scope[scope];
}

// Exemplars lead from the counter to the record: `mete oom show ID`.
void OomRecord::reported(const ForensicRecord& record) {
  const std::string pid = record.victim ? std::to_string(*record.victim) : "unknown";
  last_ = std::make_shared<const collectors::Exemplar>(collectors::Exemplar{
      collectors::LabelBlock{{"record", record.id}, {"pid", pid}}, std::uint64_t{1}, std::chrono::system_clock::now()});
  slot_.services().workers.run([directory = slot_.pod().directory()] { sync_record(directory); }, [] {});
}

// The total goes on in the other counter from where it is. The record alone says which counter is meant, so an agent
// that dies before the limit is written counts on rightly.
void OomRecord::change_counter() {
  auto& own = slot_.record();
  const auto kills = group_.oom_kills();
  if (!kills) return;
  own.oom_kills_base += own.oom_kills_told - own.oom_kills_from;
  own.oom_by_group = kernel_kills_group();
  own.oom_kills_from = own.oom_kills_told = kills->count(own.oom_by_group);
  slot_.save(runtime::Durability::durable);
}

void OomRecord::fold() {
  auto& own = slot_.record();
  own.oom_kills_base += own.oom_kills_told - own.oom_kills_from;
  own.oom_kills_from = 0;
  own.oom_kills_told = 0;
}

void OomRecord::remember_command() {
  first_command_ = collectors::command_line_of(
      runtime::read_file(AT_FDCWD, "/proc/" + std::to_string(slot_.record().process.pid) + "/cmdline", 64U << 10U)
          .value_or(std::string()));
}

}  // namespace mete::agent
