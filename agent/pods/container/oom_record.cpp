// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/oom_record.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/pods/pod.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

// Errors are ignored: they mean that the pod is gone.
void sync_record(const std::string& directory) {
  for (const std::string& path : {directory + "/record.json", directory}) {
    const runtime::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.valid()) (void)::fsync(file.get());
  }
}

using Kind = std::optional<collectors::Exemplar> collectors::OomExemplars::*;

Kind kind_of(const std::string& scope) {
  if (scope == "nested") return &collectors::OomExemplars::nested;
  if (scope == "pod") return &collectors::OomExemplars::pod;
  if (scope == "ancestor") return &collectors::OomExemplars::ancestor;
  if (scope == "host") return &collectors::OomExemplars::host;
  return &collectors::OomExemplars::container;
}

// Exemplars lead from the counter to the record: `mete oom show ID`. What a reading holds does not change: a new one.
std::shared_ptr<const collectors::OomExemplars> with_kill(const collectors::OomExemplars* before, Kind kind,
                                                          const ForensicRecord& record) {
  auto now = before == nullptr ? collectors::OomExemplars() : *before;
  const std::string pid = record.victim ? std::to_string(*record.victim) : "unknown";
  now.*kind = collectors::Exemplar{collectors::LabelBlock{{"record", record.id}, {"pid", pid}}, std::uint64_t{1},
                                   std::chrono::system_clock::now()};
  return std::make_shared<const collectors::OomExemplars>(std::move(now));
}

}  // namespace

const runtime::cgroup::OomCounters* OomRecord::known() const {
  const auto& own = slot_.record();
  return own.cgroup_id == 0 ? nullptr : &own.oom_known;
}

void OomRecord::enter(const runtime::cgroup::OomCounters& counters, const Scopes& kills) {
  auto& own = slot_.record();
  own.oom_known = counters;
  for (const auto& [scope, count] : kills) {
    own.oom_kills += count;
    if (scope != "container") own.oom_kills_by_scope[scope] += count;
    if (scope != "nested") own.oom_in_attempt = true;
  }
  // Should the agent die, this is enough. For a power failure it must be on disk, which takes milliseconds: that is
  // begun in reported(), and nobody waits for it.
  slot_.save(runtime::Durability::volatile_);
}

std::string OomRecord::pod_cgroup() const {
  return slot_.pod().cgroup().path();
}

std::string OomRecord::command_of(pid_t pid) const {
  return pid == slot_.record().process.pid ? first_command_ : std::string();
}

void OomRecord::reported(const ForensicRecord& record) {
  last_ = with_kill(last_.get(), kind_of(record.scope), record);
  slot_.services().workers.run([directory = slot_.pod().directory()] { sync_record(directory); }, [] {});
}

// Between a policy's kill and its record the kernel may have killed as well.
void OomRecord::recorded(const ForensicRecord& record) {
  if (!policy_kills_ || record.rule.starts_with("kernel ")) return;
  policy_kills_ = false;
  last_ = with_kill(last_.get(), &collectors::OomExemplars::policy, record);
}

void OomRecord::begin(Cgroup cgroup) {
  auto& own = slot_.record();
  if (cgroup == Cgroup::kNew) own.oom_known = {};
  auto now = runtime::cgroup::read_oom_counters(group_);
  if (!now) return;
  runtime::cgroup::read_oom_path(group_, *now);
  if (cgroup == Cgroup::kUnknown) {
    own.oom_known = std::move(*now);
    own.oom_known_lost = false;
  } else {
    own.oom_known.above = std::move(now->above);
    own.oom_known.refused = std::move(now->refused);
  }
}

void OomRecord::fold() {
  slot_.record().oom_known = {};
}

void OomRecord::remember_command() {
  first_command_ = collectors::command_line_of(
      runtime::read_file(AT_FDCWD, "/proc/" + std::to_string(slot_.record().process.pid) + "/cmdline", 64U << 10U)
          .value_or(std::string()));
}

}  // namespace mete::agent
