// SPDX-License-Identifier: Apache-2.0
// What is done with a container.
#include <algorithm>
#include <csignal>
#include <thread>

#include "agent/docker/create/create_request.h"
#include "agent/docker/filters.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/body_types.h"
#include "runtime/process/signals.h"

namespace mete::agent::docker {
namespace {

std::optional<std::chrono::seconds> seconds_of(const std::optional<std::int64_t>& number) {
  constexpr std::int64_t kForever = 10L * 365 * 86'400;
  if (!number) return std::nullopt;
  return std::chrono::seconds(*number < 0 ? kForever : std::min(*number, kForever));
}

}  // namespace

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
  engine.containers().restart(record->id, seconds_of(grace), [call](auto refusal) {
    if (refusal) refusal->message = "Cannot restart container " + call.words.front() + ": " + refusal->message;
    answer_done(call, refusal);
  });
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
  const auto body = parse_required_body(call.request.body);
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
  const auto one_less = [&engine, call, work] {
    if (--work->open > 0) return;
    tell_prune(engine, "container");
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
