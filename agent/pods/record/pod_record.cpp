// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_record.h"

#include "agent/pods/record/record_parts.h"
#include "agent/pods/record/resource_json.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

json workload_json(const PodWorkload& workload) {
  return {{"kind", workload.kind},
          {"name", workload.name},
          {"uid", workload.uid},
          {"revision", workload.revision},
          {"index", workload.index}};
}

PodWorkload workload_of(const json& value) {
  return {value.at("kind").get<std::string>(), value.at("name").get<std::string>(), value.at("uid").get<std::string>(),
          value.at("revision").get<std::string>(), value.at("index").get<int>()};
}

}  // namespace

std::string to_json(const PodRecord& record) {
  const auto condition = [](const Condition& each) { return json{each.holds, since_epoch(each.since)}; };
  json containers = json::array();
  for (const auto& container : record.containers) containers.push_back(container_json(container));
  json value = {{"version", 1},
                {"uid", record.uid},
                {"namespace", record.namespace_},
                {"name", record.name},
                {"source", record.source},
                {"hash", record.hash},
                {"resources", record.resources},
                {"limits_written", record.limits_written},
                {"boot_id", record.boot_id},
                {"created", since_epoch(record.created)},
                {"grace", record.grace.count()},
                {"terminating", record.terminating},
                {"stopped", record.stopped},
                {"sandbox", process_json(record.sandbox)},
                {"initialized", condition(record.initialized)},
                {"ready", condition(record.ready)},
                {"containers", std::move(containers)}};
  if (record.is_child()) value["workload"] = workload_json(*record.workload);
  if (record.pids_limited) value["pids_limited"] = true;
  if (record.deleted != WallTime()) value["deleted"] = since_epoch(record.deleted);
  if (record.users) value["users"] = *record.users;
  if (!record.cgroup_parent.empty()) value["cgroup_parent"] = record.cgroup_parent;
  if (record.gated) value["gated"] = true;
  if (!record.hold->reason.empty())
    value["hold"] = {{"reason", record.hold->reason}, {"message", record.hold->message}};
  if (record.scheduled != WallTime()) value["scheduled"] = since_epoch(record.scheduled);
  if (record.restarting.since != WallTime()) value["restarting"] = condition(record.restarting);
  if (!record.bandwidth.empty()) value["bandwidth"] = bandwidth_json(record.bandwidth);
  if (!record.reason.empty()) value["failed"] = {{"reason", record.reason}, {"message", record.message}};
  return value.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<PodRecord> parse_record(const std::string& text) {
  try {
    const json value = json::parse(text);
    if (value.at("version") != 1) return fail("record: found version " + value.at("version").dump() + ", expected 1");
    PodRecord record;
    record.uid = value.at("uid").get<std::string>();
    record.namespace_ = value.at("namespace").get<std::string>();
    record.name = value.at("name").get<std::string>();
    record.source = value.at("source").get<std::string>();
    record.hash = value.at("hash").get<std::string>();
    record.resources = value.value("resources", std::string());
    record.limits_written = value.value("limits_written", std::string());
    record.pids_limited = value.value("pids_limited", false);
    record.boot_id = value.at("boot_id").get<std::string>();
    record.created = wall_time(value.at("created").get<std::int64_t>());
    record.grace = std::chrono::seconds(value.at("grace").get<std::int64_t>());
    record.terminating = value.at("terminating").get<bool>();
    record.deleted = wall_time(value.value("deleted", std::int64_t{0}));
    record.stopped = value.at("stopped").get<bool>();
    record.sandbox = process_of(value.at("sandbox"));
    if (value.contains("users")) record.users = value.at("users").get<std::uint32_t>();
    if (value.contains("bandwidth")) record.bandwidth = bandwidth_in(value.at("bandwidth"));
    record.cgroup_parent = value.value("cgroup_parent", std::string());
    record.gated = value.value("gated", false);
    if (value.contains("hold"))
      record.hold =
          PodHold{value.at("hold").at("reason").get<std::string>(), value.at("hold").at("message").get<std::string>()};
    record.scheduled = wall_time(value.value("scheduled", std::int64_t{0}));
    // Not in all records.
    const auto condition = [&](const char* name) {
      const json at = value.value(name, json::array({false, 0}));
      return Condition{at.at(0).get<bool>(), wall_time(at.at(1).get<std::int64_t>())};
    };
    record.initialized = condition("initialized");
    record.ready = condition("ready");
    record.restarting = condition("restarting");
    if (value.contains("failed")) {
      record.reason = value.at("failed").at("reason").get<std::string>();
      record.message = value.at("failed").at("message").get<std::string>();
    }
    if (value.contains("workload")) record.workload = workload_of(value.at("workload"));
    for (const auto& container : value.at("containers")) record.containers.push_back(container_of(container));
    return record;
  } catch (const json::exception& error) {
    return fail(std::string("record: ") + error.what());
  }
}

Status save(const PodRecord& record, const std::string& path, runtime::Durability durability) {
  return runtime::replace_file(path, to_json(record), 0600, durability);
}

const char* to_string(ContainerState state) {
  switch (state) {
    case ContainerState::kWaiting:
      return "waiting";
    case ContainerState::kStarting:
      return "starting";
    case ContainerState::kRunning:
      return "running";
    case ContainerState::kExited:
      break;
  }
  return "exited";
}

std::string shown_reason(const ContainerRecord& record) {
  if (record.state == ContainerState::kRunning) return "";
  if (record.state == ContainerState::kWaiting && !record.waiting_reason.empty()) return record.waiting_reason;
  const bool backing_off =
      record.state == ContainerState::kWaiting && record.has_ended && record.next_start > record.finished_at;
  return backing_off ? "CrashLoopBackOff" : record.reason;
}

}  // namespace mete::agent
