// SPDX-License-Identifier: Apache-2.0
// Containers as they are shown: all of them, and one with everything.
#include <algorithm>

#include "agent/docker/container/container_filters.h"
#include "agent/docker/container/container_json.h"
#include "agent/docker/container/container_layers.h"
#include "agent/docker/container/row_texts.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/routes.h"
#include "agent/networks/networks.h"

namespace mete::agent::docker {
namespace {

RowTexts::Ends ends_of(Engine& engine, const ContainerRecord& record) {
  const Pod* const pod = engine.containers().pod(record);
  if (pod == nullptr) return {};
  const auto& networks = engine.networks();
  const std::string& uid = pod->record().uid;
  const auto* const first = networks.endpoint(uid);
  if (first == nullptr || first->shared) return {};
  RowTexts::Ends ends = networks.further(uid);
  ends.insert(ends.begin(), *first);
  return ends;
}

// Without what asks for more than the record and the pod: networks, commands that run in it.
View view_of(Engine& engine, const Call& call, const ContainerRecord& record) {
  return {.record = record,
          .state = engine.containers().state(record),
          .networks = {},
          .volumes = engine.containers().volumes().directory(),
          .log = {},
          .execs = {},
          .health = engine.containers().health(record.id),
          .version = call.version};
}

void show_container(Engine& engine, const Call& call, const ContainerRecord& record) {
  View view = view_of(engine, call, record);
  view.execs = engine.execs().of(record.id);
  view.networks = attached(ends_of(engine, record), engine.networks().list());
  const Pod* const pod = engine.containers().pod(record);
  if (pod != nullptr && text_of(field(record.host_config, "LogConfig"), "Type") == "json-file")
    view.log = pod->paths().log(record.pod);
  Json shown = inspect_json(view);
  shown["GraphDriver"]["Name"] = shown["Driver"] = docker_driver(engine.services().storage->name());
  if (!call.flag("size")) return answer(call, shown);
  const auto sized = std::make_shared<Json>(Json::array({std::move(shown)}));
  add_sizes(engine, sized, [call, sized] { answer(call, sized->front()); });
}

}  // namespace

void list_containers(Engine& engine, const Call& call) {
  const auto filters = container_filters(call.parameter("filters"));
  if (!filters) return refuse(call, 400, filters.error().what);
  std::optional<std::int64_t> limit;
  if (!take_number(call, "limit", limit)) return;
  std::optional<WallTime> since;  // of the filters `since` and `before`: when those were made
  std::optional<WallTime> before;
  for (const char* filter : {"since", "before"}) {
    for (const auto& word : filters->values(filter)) {
      const auto other = engine.containers().find(word);
      if (!other) return refuse(call, 404, "no such container " + word);
      const WallTime made = (*other)->created;
      if (*filter == 's') {
        since = std::max(made, since.value_or(made));
      } else {
        before = std::min(made, before.value_or(made));
      }
    }
  }
  std::vector<const ContainerRecord*> records;
  for (const auto& [id, record] : engine.containers().all()) records.push_back(&record);
  std::sort(records.begin(), records.end(), [](const auto* a, const auto* b) { return a->created > b->created; });
  const WallTime now = std::chrono::system_clock::now();
  const bool latest = limit.value_or(0) > 0;  // of all, whatever they are doing
  const bool all = latest || call.flag("all");
  const bool by_network = filters->has("network");
  RowTexts& rows = engine.containers().rows();
  rows.begin(engine.networks().list());
  constexpr std::size_t kUsualRow = 768;
  std::string text = "[";
  text.reserve(records.size() * kUsualRow);
  std::int64_t shown = 0;
  for (const ContainerRecord* record : records) {
    if (latest && shown == *limit) break;
    if ((since && record->created <= *since) || (before && record->created >= *before)) continue;
    View view = view_of(engine, call, *record);
    auto ends = ends_of(engine, *record);
    if (by_network) view.networks = attached(ends, rows.networks());
    if (!is_asked_for(all, *filters, view)) continue;
    if (shown++ > 0) text += ',';
    rows.append(std::move(view), std::move(ends), now, text);
  }
  text += ']';
  if (!call.flag("size")) return answer_text(call, std::move(text));
  const auto sized = std::make_shared<Json>(Json::parse(text));
  add_sizes(engine, sized, [call, sized] { answer(call, *sized); });
}

void inspect_container(Engine& engine, const Call& call) {
  const ContainerRecord* const found = container_of(engine, call);
  if (found == nullptr) return;
  // As docker has it: who has seen the cgroup and asks what is in it is answered when it runs.
  engine.containers().watch(found->id, [&engine, call, id = found->id] {
    const auto at = engine.containers().all().find(id);
    if (at == engine.containers().all().end()) {
      refuse(call, 404, "No such container: " + call.words.front());
      return true;
    }
    if (engine.containers().is_being_started(at->second)) return false;
    show_container(engine, call, at->second);
    return true;
  });
}

}  // namespace mete::agent::docker
