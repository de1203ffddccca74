// SPDX-License-Identifier: Apache-2.0
// The steps of Jobs and CronJobs.
#include <algorithm>

#include "agent/base/random.h"
#include "agent/workloads/cron_plan.h"
#include "agent/workloads/workload_text.h"
#include "agent/workloads/workloads.h"
#include "config/values/cron_schedule.h"

namespace mete::agent {
namespace {

constexpr std::size_t kBegunAtOnce = 4;

}  // namespace

void Workloads::step_job(WorkloadObject& object) {
  const auto& spec = std::get<config::JobSpec>(object.workload->spec);
  auto& record = object.record;
  const auto& first = services_.settings.backoff.first;
  constexpr int kLongestDelay = 60;  // ten minutes, of delays that begin with ten seconds
  const auto plan = plan_job(spec, record.job, children(object), {first, kLongestDelay * first}, wall_now());
  if (plan.status != record.job) {
    const JobStatus before = std::exchange(record.job, plan.status);
    // What a pod has done is on disk before the pod may go, and before another one begins.
    if (!save(object)) {
      record.job = before;
      look_again(object, wall_now() + std::chrono::seconds(2));
      return;
    }
    if (before.end != plan.status.end) job_ended(object);
  }
  for (const auto& name : plan.remove) remove_pod(object, name);
  std::size_t done = 0;
  for (; done < std::min(plan.create.size(), kBegunAtOnce); ++done) {
    const int index = plan.create[done];
    const std::string base = record.name + (index < 0 ? "" : "-" + std::to_string(index));
    if (!create_pod(object, generated_name(base + "-", random_suffix()),
                    {.kind = {}, .name = {}, .uid = {}, .revision = {}, .index = index})) {
      break;
    }
  }
  if (done == kBegunAtOnce && plan.create.size() > done) dirty(record.uid);
  if (plan.expired) expire(object);
  look_again(object, plan.look_again);
}

void Workloads::job_ended(WorkloadObject& object) {
  const auto& job = object.record.job;
  if (job.end == JobEnd::kComplete) {
    report(object, Reason::kJobCompleted,
           "complete, " + std::to_string(job.succeeded) + " succeeded, " + std::to_string(job.failed) + " failed");
  } else {
    report(object, Reason::kJobFailed, job.reason + ": " + job.message);
  }
  if (object.record.is_owned()) dirty(object.record.owner.uid);
}

// A Job whose manifest is still there is remembered: it must not run again.
void Workloads::expire(WorkloadObject& object) {
  auto& record = object.record;
  if (record.is_owned()) return remove(object, std::nullopt);
  const AppliedObject applied{std::string(config::to_string(record.kind)), record.namespace_, record.name, {}};
  if (!manifests_.applied_file(applied).empty()) {
    if (const auto removed = manifests_.remove({applied}); !removed) return complain_once(object, removed.error().what);
    return remove(object, std::nullopt);
  }
  record.expired = true;
  if (!save(object)) {
    record.expired = false;
    return;
  }
  for (const auto& child : children(object)) remove_pod(object, child.name);
}

void Workloads::step_cron_job(WorkloadObject& object) {
  const auto& spec = std::get<config::CronJobSpec>(object.workload->spec);
  auto& record = object.record;
  const auto schedule = config::parse_cron_schedule(spec.schedule);
  const auto zone = load_time_zone(spec.time_zone);
  if (!schedule || !zone) {
    const std::string why = !schedule ? schedule.error().what : zone.error().what;
    if (std::exchange(object.told, why) != why) report(object, Reason::kUnknownTimeZone, why);
    return;
  }
  std::vector<CronChild> jobs;
  for (const WorkloadObject* job : owned(object)) {
    const auto& status = job->record.job;
    if (job->record.deleting) continue;
    jobs.push_back({job->record.name, job->record.created, status.ended, status.end != JobEnd::kNone,
                    status.end == JobEnd::kFailed});
    if (status.end == JobEnd::kComplete) record.cron.last_success = std::max(record.cron.last_success, status.ended);
  }
  const auto plan =
      plan_cron_job({spec, *schedule, *zone, record.created, record.cron.last_schedule, jobs}, wall_now());
  if (plan.missed || plan.still_active) {
    const std::string why =
        plan.missed ? "missed a start" : "a Job of it goes on, and concurrencyPolicy is Forbid: none is made";
    if (std::exchange(object.told, why) != why)
      report(object, plan.missed ? Reason::kMissSchedule : Reason::kJobAlreadyActive, why);
  } else {
    object.told.clear();
  }
  for (const auto& name : plan.remove) {
    if (WorkloadObject* const job = find(config::WorkloadKind::kJob, record.namespace_ + "/" + name))
      remove(*job, std::nullopt);
  }
  if (plan.start && !make_job(object, *plan.start)) return look_again(object, wall_now() + std::chrono::seconds(2));
  if (plan.last_schedule != record.cron.last_schedule) {
    record.cron.last_schedule = plan.last_schedule;
    save(object);
  }
  object.next = plan.next.value_or(WallTime());
  look_again(object, plan.next);
}

// Named by its time: after a crash between the Job's record and the CronJob's own it is known again.
bool Workloads::make_job(WorkloadObject& cron, WallTime at) {
  const auto& owner = cron.record;
  const auto minute = std::chrono::floor<std::chrono::minutes>(at).time_since_epoch().count();
  const auto& spec = std::get<config::CronJobSpec>(cron.workload->spec);
  std::string name = owner.name + "-" + std::to_string(minute);
  // @every can be due more than once in a minute.
  if (spec.schedule.starts_with("@every"))
    name = owner.name + "-" + std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  if (find(config::WorkloadKind::kJob, owner.namespace_ + "/" + name) != nullptr) return true;
  WorkloadRecord record;
  record.kind = config::WorkloadKind::kJob;
  record.namespace_ = owner.namespace_;
  record.name = name;
  record.uid = new_uid();
  record.owner = {std::string(config::to_string(owner.kind)), owner.name, owner.uid, {}, -1};
  record.source = owner.source;
  record.text = job_text(cron.text, name, at);
  record.created = wall_now();
  WorkloadObject& job = add(std::move(record));
  read_effective(job, owner.source);
  if (!save(job)) {
    objects_.erase(job.record.uid);
    return false;
  }
  report(cron, Reason::kJobCreated, "made Job " + name + ", due at " + rfc3339(at));
  return true;
}

}  // namespace mete::agent
