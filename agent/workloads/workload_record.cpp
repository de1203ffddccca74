// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/workload_record.h"

#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

std::int64_t nanoseconds_of(WallTime at) {
  return at.time_since_epoch().count();
}
WallTime time_of(const json& value) {
  return WallTime(std::chrono::nanoseconds(value.get<std::int64_t>()));
}

json progress_json(const Progress& progress) {
  return {{"reason", progress.reason},
          {"since", nanoseconds_of(progress.since)},
          {"total", progress.total},
          {"updated", progress.updated},
          {"ready", progress.ready},
          {"available", progress.available},
          {"status_since", nanoseconds_of(progress.status_since)},
          {"enough", progress.enough},
          {"enough_since", nanoseconds_of(progress.enough_since)}};
}

Progress progress_of(const json& value) {
  Progress progress;
  progress.reason = value.at("reason").get<std::string>();
  progress.since = time_of(value.at("since"));
  progress.total = value.at("total").get<int>();
  progress.updated = value.at("updated").get<int>();
  progress.ready = value.at("ready").get<int>();
  progress.available = value.at("available").get<int>();
  if (!value.contains("enough")) return progress;  // a record of 0.1
  progress.status_since = time_of(value.at("status_since"));
  progress.enough = value.at("enough").get<bool>();
  progress.enough_since = time_of(value.at("enough_since"));
  return progress;
}

json overrides_json(const Overrides& overrides) {
  json value = {{"template", overrides.template_text}, {"restarted_at", overrides.restarted_at}};
  if (overrides.replicas) value["replicas"] = *overrides.replicas;
  if (overrides.paused) value["paused"] = *overrides.paused;
  return value;
}

Overrides overrides_of(const json& value) {
  Overrides overrides;
  if (value.contains("replicas")) overrides.replicas = value.at("replicas").get<int>();
  if (value.contains("paused")) overrides.paused = value.at("paused").get<bool>();
  overrides.template_text = value.at("template").get<std::string>();
  overrides.restarted_at = value.at("restarted_at").get<std::string>();
  return overrides;
}

json job_json(const JobStatus& job) {
  json failures = json::array();
  for (const auto& [index, each] : job.failures) failures.push_back({index, each.count, nanoseconds_of(each.last)});
  return {{"started", nanoseconds_of(job.started)},
          {"ended", nanoseconds_of(job.ended)},
          {"end", static_cast<int>(job.end)},
          {"suspended", job.suspended},
          {"succeeded", job.succeeded},
          {"failed", job.failed},
          {"counted", job.counted},
          {"completed", job.completed},
          {"failed_indexes", job.failed_indexes},
          {"failures", std::move(failures)},
          {"failures_in_a_row", job.failures_in_a_row},
          {"last_failure", nanoseconds_of(job.last_failure)},
          {"reason", job.reason},
          {"message", job.message},
          {"success_rule", job.success_rule},
          {"decided", nanoseconds_of(job.decided)},
          {"suspension_changed", nanoseconds_of(job.suspension_changed)}};
}

JobStatus job_of(const json& value) {
  JobStatus job;
  job.started = time_of(value.at("started"));
  job.ended = time_of(value.at("ended"));
  job.end = static_cast<JobEnd>(value.at("end").get<int>());
  job.suspended = value.at("suspended").get<bool>();
  job.succeeded = value.at("succeeded").get<int>();
  job.failed = value.at("failed").get<int>();
  job.counted = value.at("counted").get<std::set<std::string>>();
  job.completed = value.at("completed").get<std::set<int>>();
  job.failed_indexes = value.at("failed_indexes").get<std::set<int>>();
  for (const auto& each : value.at("failures"))
    job.failures[each.at(0).get<int>()] = {each.at(1).get<int>(), time_of(each.at(2))};
  job.failures_in_a_row = value.at("failures_in_a_row").get<int>();
  job.last_failure = time_of(value.at("last_failure"));
  job.reason = value.at("reason").get<std::string>();
  job.message = value.at("message").get<std::string>();
  // Records of 0.1 have none of these.
  job.success_rule = value.value("success_rule", -1);
  if (value.contains("decided")) job.decided = time_of(value.at("decided"));
  if (value.contains("suspension_changed")) job.suspension_changed = time_of(value.at("suspension_changed"));
  return job;
}

json revisions_json(const std::vector<StoredRevision>& revisions) {
  json list = json::array();
  for (const auto& each : revisions)
    list.push_back({{"name", each.name}, {"number", each.number}, {"text", each.text}});
  return list;
}

std::vector<StoredRevision> revisions_of(const json& list) {
  std::vector<StoredRevision> revisions;
  for (const auto& each : list) {
    revisions.push_back({each.at("name").get<std::string>(), each.at("number").get<std::int64_t>(),
                         each.at("text").get<std::string>()});
  }
  return revisions;
}

}  // namespace

std::string to_json(const WorkloadRecord& record) {
  json value = {{"version", 1},
                {"kind", config::to_string(record.kind)},
                {"namespace", record.namespace_},
                {"name", record.name},
                {"uid", record.uid},
                {"source", record.source},
                {"text", record.text},
                {"created", nanoseconds_of(record.created)},
                {"generation", record.generation},
                {"deleting", record.deleting},
                {"expired", record.expired},
                {"overrides", overrides_json(record.overrides)},
                {"revision", record.revision},
                {"wanted", record.wanted},
                {"sized_for", record.sized_for},
                {"sized_within", record.sized_within},
                {"progress", progress_json(record.progress)},
                {"collisions", record.collisions},
                {"revisions", revisions_json(record.revisions)},
                {"current_revision", record.current_revision},
                {"job", job_json(record.job)},
                {"last_schedule", nanoseconds_of(record.cron.last_schedule)},
                {"last_success", nanoseconds_of(record.cron.last_success)}};
  if (record.deleted != WallTime()) value["deleted"] = nanoseconds_of(record.deleted);
  if (record.is_owned())
    value["owner"] = {{"kind", record.owner.kind}, {"name", record.owner.name}, {"uid", record.owner.uid}};
  return value.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<WorkloadRecord> parse_workload_record(const std::string& text) {
  try {
    const json value = json::parse(text);
    if (value.at("version") != 1) return fail("record: found version " + value.at("version").dump() + ", expected 1");
    WorkloadRecord record;
    const auto kind = config::workload_kind(value.at("kind").get<std::string>());
    if (!kind) return fail("record: found kind " + value.at("kind").dump() + ", expected one that makes pods");
    record.kind = *kind;
    record.namespace_ = value.at("namespace").get<std::string>();
    record.name = value.at("name").get<std::string>();
    record.uid = value.at("uid").get<std::string>();
    record.source = value.at("source").get<std::string>();
    record.text = value.at("text").get<std::string>();
    record.created = time_of(value.at("created"));
    record.generation = value.at("generation").get<std::int64_t>();
    record.deleting = value.at("deleting").get<bool>();
    if (value.contains("deleted")) record.deleted = time_of(value.at("deleted"));
    record.expired = value.at("expired").get<bool>();
    record.overrides = overrides_of(value.at("overrides"));
    record.revision = value.at("revision").get<std::int64_t>();
    record.wanted = value.at("wanted").get<int>();
    record.sized_for = value.at("sized_for").get<int>();
    record.sized_within = value.at("sized_within").get<int>();
    record.progress = progress_of(value.at("progress"));
    record.collisions = value.at("collisions").get<int>();
    record.revisions = revisions_of(value.at("revisions"));
    record.current_revision = value.at("current_revision").get<std::string>();
    record.job = job_of(value.at("job"));
    record.cron = {time_of(value.at("last_schedule")), time_of(value.at("last_success"))};
    if (value.contains("owner")) {
      const auto& owner = value.at("owner");
      record.owner = {owner.at("kind").get<std::string>(),
                      owner.at("name").get<std::string>(),
                      owner.at("uid").get<std::string>(),
                      {},
                      -1};
    }
    return record;
  } catch (const json::exception& error) {
    return fail(std::string("record: ") + error.what());
  }
}

}  // namespace mete::agent
