// SPDX-License-Identifier: Apache-2.0
// Containers: lists, inspection, and what is done with one.
#include <algorithm>
#include <csignal>
#include <thread>

#include "agent/docker/body_types.h"
#include "agent/docker/container/container_filters.h"
#include "agent/docker/container/container_json.h"
#include "agent/docker/container/container_layers.h"
#include "agent/docker/container/create_request.h"
#include "agent/docker/container/storage_opt.h"
#include "agent/docker/filters.h"
#include "agent/docker/routes.h"
#include "agent/networks/networks.h"
#include "runtime/process/signals.h"

namespace mete::agent::docker {
namespace {

WallTime time_now() {
  return std::chrono::system_clock::now();
}

View view_of(Engine& engine, const Call& call, const ContainerRecord& record) {
  View view{.record = record,
            .state = engine.containers().state(record),
            .networks = {},
            .volumes = engine.containers().volumes().directory(),
            .log = {},
            .execs = {},
            .health = {},
            .version = call.version};
  view.execs = engine.execs().of(record.id);
  if (const HealthState* const health = engine.containers().health(record.id)) view.health = *health;
  const Pod* const pod = engine.containers().pod(record);
  if (pod == nullptr) return view;
  view.log = pod->paths().log(record.pod);
  const auto& networks = engine.networks();
  const auto* const first = networks.endpoint(pod->record().uid);
  if (first == nullptr || first->shared) return view;
  std::vector<runtime::network::Endpoint> endpoints = {*first};
  for (auto& each : networks.further(pod->record().uid)) endpoints.push_back(std::move(each));
  for (auto& endpoint : endpoints) {
    Attached attached;
    for (const auto& spec : networks.list()) {
      if (spec.name != endpoint.network || spec.driver == runtime::network::Driver::kCni) continue;
      attached.gateway = to_string(runtime::network::gateway_of(spec));
      attached.prefix = spec.range.length;
      attached.prefix6 = spec.range6 && endpoint.address6 ? spec.range6->length : 0;
    }
    if (const auto told = runtime::network::cni::address_in(endpoint.answer, endpoint.address)) {
      attached.gateway = told->gateway ? to_string(*told->gateway) : "";
      attached.prefix = told->length;
    }
    attached.endpoint = std::move(endpoint);
    view.networks.push_back(std::move(attached));
  }
  return view;
}

std::optional<std::chrono::seconds> seconds_of(const std::optional<std::int64_t>& number) {
  constexpr std::int64_t kForever = 10L * 365 * 86'400;
  if (!number) return std::nullopt;
  return std::chrono::seconds(*number < 0 ? kForever : std::min(*number, kForever));
}

}  // namespace

void list_containers(Engine& engine, const Call& call) {
  const auto filters = container_filters(call.parameter("filters"));
  if (!filters) return refuse(call, 400, filters.error().what);
  std::optional<std::int64_t> limit;
  if (!take_number(call, "limit", limit)) return;
  std::vector<const ContainerRecord*> records;
  for (const auto& [id, record] : engine.containers().all()) records.push_back(&record);
  std::sort(records.begin(), records.end(), [](const auto* a, const auto* b) { return a->created > b->created; });
  Json rows = Json::array();
  const WallTime now = time_now();
  const bool latest = limit.value_or(0) > 0;  // of all, whatever they are doing
  for (const ContainerRecord* record : records) {
    if (latest && rows.size() == static_cast<std::size_t>(*limit)) break;
    const View view = view_of(engine, call, *record);
    if (is_asked_for(latest || call.flag("all"), *filters, view)) rows.push_back(row_json(view, now));
  }
  if (!call.flag("size")) return answer(call, rows);
  const auto sized = std::make_shared<Json>(std::move(rows));
  add_sizes(engine, sized, [call, sized] { answer(call, *sized); });
}

void inspect_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  Json shown = inspect_json(view_of(engine, call, *record));
  shown["GraphDriver"]["Name"] = shown["Driver"] = docker_driver(engine.services().storage->name());
  if (!call.flag("size")) return answer(call, shown);
  const auto sized = std::make_shared<Json>(Json::array({std::move(shown)}));
  add_sizes(engine, sized, [call, sized] { answer(call, sized->front()); });
}

void start_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  engine.containers().start(record->id, [call](const auto& refusal) { answer_done(call, refusal); });
}

void stop_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  std::optional<std::int64_t> grace;
  if (record == nullptr || !take_number(call, "t", grace)) return;
  const std::string word = call.parameter("signal");
  const auto signal = word.empty() ? std::optional(0) : runtime::process::signal_number(word);
  if (!signal) return refuse(call, 400, "Invalid signal: " + word);
  engine.containers().stop(record->id, seconds_of(grace), *signal,
                           [call](const auto& refusal) { answer_done(call, refusal); });
}

void restart_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  std::optional<std::int64_t> grace;
  if (record == nullptr || !take_number(call, "t", grace)) return;
  engine.containers().restart(record->id, seconds_of(grace),
                              [call](const auto& refusal) { answer_done(call, refusal); });
}

void kill_container(Engine& engine, const Call& call) {
  const auto found = engine.containers().find(call.words.front());
  if (!found)
    return refuse(call, found.error().status,
                  "Cannot kill container: " + call.words.front() + ": " + found.error().message);
  const ContainerRecord* const record = *found;
  const std::string word = call.parameter("signal");
  const auto signal = word.empty() ? std::optional(SIGKILL) : runtime::process::signal_number(word);
  if (!signal) return refuse(call, 400, "Invalid signal: " + word);
  answer_done(call, engine.containers().kill(*record, *signal));
}

void pause_container(Engine& engine, const Call& call) {
  if (ContainerRecord* const record = container_of(engine, call))
    answer_done(call, engine.containers().pause(*record, true));
}

void unpause_container(Engine& engine, const Call& call) {
  if (ContainerRecord* const record = container_of(engine, call))
    answer_done(call, engine.containers().pause(*record, false));
}

void rename_container(Engine& engine, const Call& call) {
  if (ContainerRecord* const record = container_of(engine, call))
    answer_done(call, engine.containers().rename(*record, call.parameter("name")));
}

void update_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const auto body = parse_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  if (const auto right = check_types({{"HostConfig", *body}}); !right) return refuse(call, 400, right.error().what);
  auto host_config = update_host_config(record->host_config, *body, machine_bounds());
  if (!host_config) return refuse(call, 400, host_config.error().what);
  if (const auto refusal = engine.containers().update(*record, std::move(*host_config)))
    return refuse(call, refusal->status, refusal->message);
  answer(call, {{"Warnings", Json()}});
}

void remove_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  if (call.flag("link")) return refuse(call, 400, "link: found one to be removed, but mete has no links");
  engine.containers().remove(record->id, call.flag("force"), call.flag("v"),
                             [call](const auto& refusal) { answer_done(call, refusal); });
}

void prune_containers(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"label", "label!", "until"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto until = filters->until();
  if (!until) return refuse(call, 400, until.error().what);
  struct Work {
    std::vector<std::string> removed;
    std::size_t open = 1;
  };
  const auto work = std::make_shared<Work>();
  const auto one_less = [call, work] {
    if (--work->open > 0) return;
    answer(call, {{"ContainersDeleted", work->removed.empty() ? Json() : Json(work->removed)}, {"SpaceReclaimed", 0}});
  };
  std::vector<std::string> ids;
  for (const auto& [id, record] : engine.containers().all()) {
    const State state = engine.containers().state(record);
    const bool over = !state.running && !state.removing && (!*until || record.created < **until);
    if (over && filters->labels(texts_of(record.config, "Labels"))) ids.push_back(id);
  }
  work->open += ids.size();
  for (const auto& id : ids) {
    engine.containers().remove(id, false, false, [work, id, one_less](const auto& refusal) {
      if (!refusal) work->removed.push_back(id);
      one_less();
    });
  }
  one_less();
}

// The answer's head comes at once: clients start the container after it.
void wait_for_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const std::string condition = call.parameter("condition").empty() ? "not-running" : call.parameter("condition");
  if (condition != "not-running" && condition != "next-exit" && condition != "removed")
    return refuse(call, 400, "invalid condition: \"" + condition + "\"");
  const auto stream = call.reply->stream("application/json");
  const auto last = std::make_shared<int>(0);  // the exit code, also when the container is gone
  const unsigned ends = engine.containers().ends(record->id);
  const std::string id = record->id;
  const auto gone = std::make_shared<bool>(false);
  stream->on_close([&engine, id, gone] {
    *gone = true;
    engine.containers().look_again(id);
  });
  engine.containers().watch(id, [&engine, stream, condition, ends, id, last, gone] {
    if (*gone) return true;
    auto& containers = engine.containers();
    const bool there = containers.all().contains(id);
    if (there) {
      const ContainerRecord& own = containers.all().at(id);
      const State state = containers.state(own);
      *last = !own.error.empty() && state.exit_code == 0 ? 128 : state.exit_code;
      const bool stopped = condition == "not-running" && !state.running;
      const bool ended = condition == "next-exit" && containers.ends(id) != ends;
      if (!stopped && !ended) return false;
    }
    const Json result = {{"StatusCode", *last}};
    stream->write(result.dump() + "\n");
    return true;
  });
}

}  // namespace mete::agent::docker
