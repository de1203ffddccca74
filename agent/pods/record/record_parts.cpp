// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/record_parts.h"

#include "agent/pods/container/probe_json.h"
#include "runtime/json.h"

namespace mete::agent {

using nlohmann::json;

std::int64_t since_epoch(WallTime at) {
  return at.time_since_epoch().count();
}
WallTime wall_time(std::int64_t count) {
  return WallTime(std::chrono::nanoseconds(count));
}

json process_json(const runtime::process::ProcessId& id) {
  return {{"pid", id.pid}, {"start_time", id.start_time}};
}
runtime::process::ProcessId process_of(const json& value) {
  return {value.at("pid").get<pid_t>(), value.at("start_time").get<std::uint64_t>()};
}

namespace {

template <class T>
void set(json& value, const char* key, const std::optional<T>& number) {
  if (number) value[key] = number->count();
}

template <class T>
std::optional<T> get(const json& value, const char* key) {
  return value.contains(key) ? std::optional<T>(T(value.at(key).get<std::int64_t>())) : std::nullopt;
}

json list_json(const config::ResourceList& list) {
  json value = json::object();
  set(value, "cpu", list.cpu);
  set(value, "memory", list.memory);
  set(value, "ephemeral-storage", list.ephemeral_storage);
  for (const auto& [size, bytes] : *list.huge_pages) value["hugepages"][size] = bytes.count();
  if (!list.devices->empty()) value["devices"] = *list.devices;
  return value;
}

config::ResourceList list_of(const json& value) {
  config::ResourceList list;
  list.cpu = get<MilliCpu>(value, "cpu");
  list.memory = get<Bytes>(value, "memory");
  list.ephemeral_storage = get<Bytes>(value, "ephemeral-storage");
  const auto pages = value.value("hugepages", std::map<std::string, std::int64_t>());
  for (const auto& [size, bytes] : pages) list.huge_pages.edit()[size] = Bytes(bytes);
  if (value.contains("devices")) list.devices.edit() = value.at("devices").get<std::map<std::string, std::int64_t>>();
  return list;
}

json update_json(const enforcers::ResourceUpdate& update) {
  json value = json::object();
  set(value, "cpu_limit", update.cpu_limit);
  set(value, "cpu_request", update.cpu_request);
  set(value, "memory_limit", update.memory_limit);
  set(value, "memory_request", update.memory_request);
  return value;
}

enforcers::ResourceUpdate update_of(const json& value) {
  enforcers::ResourceUpdate update;
  update.cpu_limit = get<MilliCpu>(value, "cpu_limit");
  update.cpu_request = get<MilliCpu>(value, "cpu_request");
  update.memory_limit = get<Bytes>(value, "memory_limit");
  update.memory_request = get<Bytes>(value, "memory_request");
  return update;
}

json oom_events_json(const runtime::cgroup::OomEvents& events) {
  return {events.ooms, events.kills, events.groups};
}

runtime::cgroup::OomEvents oom_events_of(const json& value) {
  return {value.at(0).get<std::uint64_t>(), value.at(1).get<std::uint64_t>(), value.at(2).get<std::uint64_t>()};
}

json oom_counters_json(const runtime::cgroup::OomCounters& counters) {
  json value = {{"all", oom_events_json(counters.all)}};
  if (counters.own) value["own"] = oom_events_json(*counters.own);
  for (const auto& each : counters.above) value["above"].push_back({each.path, each.ooms, each.groups});
  if (!counters.nested.empty()) value["nested"] = counters.nested;
  for (const auto& [path, events] : counters.below) value["below"][path] = oom_events_json(events);
  return value;
}

runtime::cgroup::OomCounters oom_counters_of(const json& value) {
  runtime::cgroup::OomCounters counters;
  counters.all = oom_events_of(value.at("all"));
  if (value.contains("own")) counters.own = oom_events_of(value.at("own"));
  for (const auto& each : value.value("above", json::array()))
    counters.above.push_back(
        {each.at(0).get<std::string>(), each.at(1).get<std::uint64_t>(), each.at(2).get<std::uint64_t>()});
  counters.nested = value.value("nested", std::map<std::string, std::uint64_t>());
  const json below = value.value("below", json::object());
  for (const auto& [path, events] : below.items()) counters.below.emplace(path, oom_events_of(events));
  return counters;
}

// The records of 0.1.0 have one of the kernel's counters, where it stood at first and when the last kill was told.
void read_oom_kills(const json& value, ContainerRecord& record) {
  record.oom_known_lost = !value.contains("oom_known");
  if (!record.oom_known_lost) {
    record.oom_kills = value.at("oom_kills").get<std::uint64_t>();
    record.oom_known = oom_counters_of(value.at("oom_known"));
    return;
  }
  record.oom_kills = value.at("oom_kills_base").get<std::uint64_t>() + value.at("oom_kills_told").get<std::uint64_t>() -
                     value.at("oom_kills_from").get<std::uint64_t>();
}

}  // namespace

json container_json(const ContainerRecord& record) {
  json value = {{"name", record.name},
                {"init", record.init},
                {"sidecar", record.sidecar},
                {"layers", record.layers},
                {"state", static_cast<int>(record.state)},
                {"reason", record.reason},
                {"waiting_reason", record.waiting_reason},
                {"message", record.message},
                {"attempt", record.attempt},
                {"restarts", record.restarts},
                {"restarts_in_row", record.restarts_in_row},
                {"has_ended", record.has_ended},
                {"exit_code", record.exit_code},
                {"exit_signal", record.exit_signal},
                {"started_at", since_epoch(record.started_at)},
                {"last_started_at", since_epoch(record.last_started_at)},
                {"finished_at", since_epoch(record.finished_at)},
                {"backoff", record.backoff.count()},
                {"next_start", since_epoch(record.next_start)},
                {"process", process_json(record.process)},
                {"cgroup_id", record.cgroup_id},
                {"oom_kills", record.oom_kills},
                {"oom_known", oom_counters_json(record.oom_known)},
                {"oom_kills_by_scope", record.oom_kills_by_scope},
                {"oom_in_attempt", record.oom_in_attempt},
                {"policy_kills", record.policy_kills},
                {"killed_by_policy", record.killed_by_policy},
                {"raised_memory", record.raised_memory},
                {"base_sample", record.base_sample},
                {"last_sample", record.last_sample}};
  if (record.resources)
    value["resources"] = {{"requests", list_json(record.resources->requests)},
                          {"limits", list_json(record.resources->limits)}};
  if (!record.last_message.empty()) value["last_message"] = record.last_message;
  if (!record.limits_written.empty()) value["limits_written"] = record.limits_written;
  if (!record.update.empty()) value["update"] = update_json(record.update);
  if (!record.cores.empty()) value["cores"] = record.cores;
  if (!record.devices.empty()) value["devices"] = record.devices;
  if (record.restart_wanted) value["restart_wanted"] = true;
  if (record.fresh) value["fresh"] = true;
  if (!record.end_reason.empty()) value["end_reason"] = record.end_reason;
  write_care(record, value);
  return value;
}

ContainerRecord container_of(const json& value) {
  ContainerRecord record;
  record.name = value.at("name").get<std::string>();
  record.init = value.at("init").get<bool>();
  record.sidecar = value.value("sidecar", false);  // not in the records of 0.1.0
  record.layers = value.value("layers", std::vector<std::string>());
  record.state = static_cast<ContainerState>(value.at("state").get<int>());
  record.reason = value.at("reason").get<std::string>();
  record.waiting_reason = value.at("waiting_reason").get<std::string>();
  record.message = value.at("message").get<std::string>();
  record.last_message = value.value("last_message", std::string());
  record.attempt = value.at("attempt").get<std::uint32_t>();
  record.restarts = value.at("restarts").get<std::uint32_t>();
  record.restarts_in_row = value.value("restarts_in_row", std::uint32_t{0});
  record.has_ended = value.at("has_ended").get<bool>();
  record.exit_code = value.at("exit_code").get<int>();
  record.exit_signal = value.at("exit_signal").get<int>();
  record.started_at = wall_time(value.at("started_at").get<std::int64_t>());
  record.last_started_at = wall_time(value.value("last_started_at", std::int64_t{0}));
  record.finished_at = wall_time(value.at("finished_at").get<std::int64_t>());
  record.backoff = std::chrono::nanoseconds(value.at("backoff").get<std::int64_t>());
  record.next_start = wall_time(value.at("next_start").get<std::int64_t>());
  record.process = process_of(value.at("process"));
  record.cgroup_id = value.at("cgroup_id").get<std::uint64_t>();
  read_oom_kills(value, record);
  record.oom_kills_by_scope = value.at("oom_kills_by_scope").get<std::map<std::string, std::uint64_t>>();
  record.oom_in_attempt = value.at("oom_in_attempt").get<bool>();
  record.policy_kills = value.value("policy_kills", std::uint64_t{0});
  record.killed_by_policy = value.value("killed_by_policy", false);
  record.raised_memory = value.value("raised_memory", std::int64_t{0});
  if (value.contains("resources")) {
    const auto& resources = value.at("resources");
    record.resources = config::Resources{list_of(resources.at("requests")), list_of(resources.at("limits"))};
  }
  record.limits_written = value.value("limits_written", std::string());
  if (value.contains("update")) record.update = update_of(value.at("update"));
  record.cores = value.value("cores", std::vector<unsigned>());
  record.devices = value.value("devices", std::vector<std::string>());
  record.restart_wanted = value.value("restart_wanted", false);
  record.fresh = value.value("fresh", false);
  record.end_reason = value.value("end_reason", std::string());
  read_care(value, record);
  record.base_sample = value.at("base_sample").get<std::string>();
  record.last_sample = value.at("last_sample").get<std::string>();
  return record;
}

}  // namespace mete::agent
