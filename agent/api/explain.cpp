// SPDX-License-Identifier: Apache-2.0
#include "agent/api/explain.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "agent/enforcement/incident.h"
#include "enforcers/limit_origin.h"
#include "enforcers/qos.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/limits/refusals.h"
#include "runtime/cgroup/limits/setting.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/text.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;
using runtime::cgroup::Group;

constexpr std::size_t kEvents = 20;

template <class Origin>
ordered_json settings_json(const Group& group, const runtime::cgroup::Limits& limits, Origin&& origin) {
  ordered_json list = ordered_json::array();
  const auto expected = runtime::cgroup::plan_reads(limits, group.hierarchies(), Bytes(::sysconf(_SC_PAGESIZE)));
  if (!expected) return list;
  for (const auto& setting : *expected) {
    const auto found = group.read(setting.controller, setting.file);
    ordered_json value = {{"file", group.directory(setting.controller) + "/" + setting.file},
                          {"from", origin(setting.file)},
                          {"expected", setting.text}};
    if (found) {
      const bool same = runtime::cgroup::same_setting(setting.file, setting.text, *found);
      // A file with several numbers shows only the expected one when that one is right.
      value["found"] = same ? setting.text : std::string(runtime::cgroup::trim(*found));
    } else {
      value["error"] = found.error().what;
    }
    list.push_back(std::move(value));
  }
  return list;
}

// The limits of an ancestor; a limit that is not set is left out.
ordered_json ancestor_json(const Group& group) {
  ordered_json value = {{"cgroup", group.path()}};
  if (const auto memory = runtime::cgroup::memory_limit(group)) value["memoryBytes"] = memory->count();
  if (const auto quota = runtime::cgroup::cpu_quota(group)) value["cpuQuota"] = std::to_string(quota->count());
  if (const auto pids = runtime::cgroup::pids_limit(group)) value["pids"] = std::to_string(*pids);
  return value;
}

ordered_json ancestors_json(const Group& group) {
  ordered_json list = ordered_json::array();
  for (std::string path = group.path().substr(0, group.path().rfind('/')); !path.empty();
       path = path.substr(0, path.rfind('/'))) {
    const auto each = Group::at(group.hierarchies(), path);
    if (!each) break;
    auto value = ancestor_json(*each);
    if (value.size() > 1) list.push_back(std::move(value));
  }
  return list;
}

void add_what_is_felt(const Group& group, ordered_json& value) {
  value["above"] = ancestors_json(group);
  if (const auto effective = effective_memory_limit(group))
    value["effectiveMemory"] = {{"bytes", effective->limit.count()}, {"of", effective->of}};
}

ordered_json policy_json(const config::Policy& policy) {
  return {{"name", config::full_name(policy.metadata)}, {"at", to_string(policy.location)}, {"dryRun", policy.dry_run}};
}

ordered_json machine_json(const Services& services) {
  return {{"memoryBytes", services.machine_memory.count()},
          {"cpus", std::thread::hardware_concurrency()},
          {"cgroups", std::string(to_string(services.hierarchies.mode))}};
}

template <class Concerns>
ordered_json events_json(const Services& services, Concerns&& concerns) {
  ordered_json events = ordered_json::array();
  const auto& recent = services.events.recent();
  for (auto event = recent.rbegin(); event != recent.rend() && events.size() < kEvents; ++event) {
    if (concerns(*event)) events.insert(events.begin(), ordered_json::parse(to_json(*event)));
  }
  return events;
}

ordered_json container_json(const Container& container) {
  const auto& record = container.record();
  ordered_json value = {
      {"name", record.name}, {"state", to_string(record.state)}, {"cgroup", container.cgroup().path()}};
  if (record.cgroup_id == 0) return value;
  enforcers::LimitFacts facts;
  if (record.resources) facts.resources = *record.resources;
  facts.policy = container.policy();
  if (const auto* const spec = container.spec()) facts.extras = &*spec->extras;
  facts.updated = !record.update.empty();
  facts.exclusive = !record.cores.empty();
  facts.raised = record.raised_memory != 0;
  facts.boosted = container.control().limits().lent_quota().has_value();
  value["settings"] = settings_json(container.cgroup(), container.limits(),
                                    [&](const std::string& file) { return enforcers::origin_of(file, facts); });
  add_what_is_felt(container.cgroup(), value);
  if (const auto cpus = runtime::cgroup::effective_cpus(container.cgroup()))
    value["cpus"] = std::string(runtime::cgroup::trim(*cpus));
  return value;
}

}  // namespace

ordered_json explain_json(Pod& pod) {
  const auto& services = pod.services();
  ordered_json value = {{"pod", pod.record().key()}, {"source", pod.record().source}};
  if (const auto* const plan = pod.plan()) {
    value["qosClass"] = enforcers::to_string(enforcers::qos_of(plan->pod.spec));
    if (plan->policy) value["policy"] = policy_json(*plan->policy);
  }
  if (const auto resizing = pod.resizing()) value["resize"] = resizing->why;
  value["machine"] = machine_json(services);
  value["cgroup"] = pod.cgroup().path();
  const auto* const spec = pod.plan() != nullptr ? &pod.plan()->pod.spec : nullptr;
  if (pod.cgroup().exists())
    value["settings"] = settings_json(pod.cgroup(), pod.limits(), [&](const std::string& file) {
      return enforcers::pod_origin_of(file, spec, pod.held_cpu().has_value());
    });
  value["containers"] = ordered_json::array();
  for (const auto& container : pod.containers()) value["containers"].push_back(container_json(*container));
  value["events"] = events_json(services, [&](const Event& event) { return event.pod == pod.record().key(); });
  return value;
}

ordered_json explain_json(const Services& services, const Group& group, const config::Policy* policy,
                          const std::vector<Knob>& changed) {
  ordered_json value = {{"cgroup", group.path()}};
  if (policy != nullptr) value["policy"] = policy_json(*policy);
  value["machine"] = machine_json(services);
  value["settings"] = ordered_json::array();
  for (const auto& knob : changed) {
    if (knob.path != group.path()) continue;
    const auto found = group.read(knob.controller, knob.file);
    ordered_json setting = {{"file", group.directory(knob.controller) + "/" + knob.file}, {"before", knob.before}};
    if (found) {
      setting["found"] = runtime::cgroup::restoring_text(knob.file, knob.disk, *found);
    } else {
      setting["error"] = found.error().what;
    }
    value["settings"].push_back(std::move(setting));
  }
  add_what_is_felt(group, value);
  value["events"] = events_json(services, [&](const Event& event) {
    return std::any_of(event.fields.begin(), event.fields.end(),
                       [&](const auto& field) { return field.first == "cgroup" && field.second == group.path(); });
  });
  return value;
}

}  // namespace mete::agent
