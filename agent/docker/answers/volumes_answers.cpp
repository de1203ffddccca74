// SPDX-License-Identifier: Apache-2.0
// Named volumes.
#include <algorithm>

#include "agent/docker/container/of_others.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/filters.h"
#include "agent/docker/routes.h"

namespace mete::agent::docker {
namespace {

Json volume_json(Engine& engine, const Volume& volume) {
  return {{"CreatedAt", volume.created},
          {"Driver", "local"},
          {"Labels", volume.labels},
          {"Mountpoint", engine.containers().volumes().path(volume.name)},
          {"Name", volume.name},
          {"Options", volume.options.empty() ? Json() : volume.options},
          {"Scope", "local"}};
}

bool is_volume_name(const std::string& name) {
  return check_container_name(name).has_value();
}

}  // namespace

std::vector<std::string> users_of_volume(Engine& engine, const std::string& name) {
  std::vector<std::string> users;
  for (const auto& [id, record] : engine.containers().all()) {
    if (mounts_volume(record, name)) users.push_back(id);
  }
  return users;
}

void list_volumes(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"name", "label", "dangling", "driver"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto dangling = filters->truth("dangling");
  if (!dangling) return refuse(call, 400, dangling.error().what);
  Json all = Json::array();
  for (const auto& each : engine.containers().volumes().list()) {
    const bool asked = filters->contains("name", each.name) && filters->equals("driver", "local") &&
                       filters->labels(texts_of(Json{{"l", each.labels}}, "l")) &&
                       (!*dangling || **dangling == users_of_volume(engine, each.name).empty());
    if (asked) all.push_back(volume_json(engine, each));
  }
  answer(call, {{"Volumes", all}, {"Warnings", Json()}});
}

void create_volume(Engine& engine, const Call& call) {
  const auto body = parse_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  const std::string driver = text_of(*body, "Driver");
  if (!driver.empty() && driver != "local")
    return refuse(call, 404,
                  "create " + text_of(*body, "Name") + ": error looking up volume plugin " + driver + ": plugin \"" +
                      driver + "\" not found");
  const std::string asked = text_of(*body, "Name");
  if (asked.size() == 1)
    return refuse(
        call, 400,
        "create " + asked + ": volume name is too short, names should be at least two alphanumeric characters");
  if (!asked.empty() && !is_volume_name(asked))
    return refuse(call, 400,
                  "create " + asked + ": \"" + asked +
                      "\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" "
                      "are allowed. If you intended to pass a host directory, use absolute path");
  const std::string name = asked.empty() ? new_id() : asked;
  auto& volumes = engine.containers().volumes();
  const Json& options = field(*body, "DriverOpts");
  if (const auto right = check_volume_options(options); !right && !volumes.find(name))
    return refuse(call, 400, "create " + name + ": " + right.error().what);
  const bool is_new = !volumes.find(name);
  if (const auto made = volumes.create(name, field(*body, "Labels"), options, asked.empty()); !made)
    return refuse(call, 500, made.error().what);
  const auto volume = volumes.find(name);
  if (!volume) return refuse(call, 500, volume.error().what);
  if (is_new) engine.containers().tell_volume("create", name);
  answer(call, volume_json(engine, *volume), 201);
}

void inspect_volume(Engine& engine, const Call& call) {
  const std::string& name = call.words.front();
  const auto volume = is_volume_name(name) ? engine.containers().volumes().find(name) : fail("no such volume");
  if (!volume) return refuse(call, 404, "get " + name + ": no such volume");
  answer(call, volume_json(engine, *volume));
}

void remove_volume(Engine& engine, const Call& call) {
  const std::string& name = call.words.front();
  auto& volumes = engine.containers().volumes();
  if (!is_volume_name(name) || !volumes.find(name)) {
    return call.flag("force") ? answer_nothing(call) : refuse(call, 404, "get " + name + ": no such volume");
  }
  const auto users = users_of_volume(engine, name);
  if (!users.empty()) return refuse(call, 409, "remove " + name + ": volume is in use - [" + users.front() + "]");
  if (const auto removed = volumes.remove(name); !removed) return refuse(call, 500, removed.error().what);
  engine.containers().tell_volume("destroy", name);
  answer_nothing(call);
}

void prune_volumes(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"label", "all"});
  if (!filters) return refuse(call, 400, filters.error().what);
  constexpr int kAnonymousAlone = 42;
  const bool all =
      call.version < kAnonymousAlone ||
      (filters->has("all") && is_true(filters->values("all").empty() ? "" : filters->values("all").front()));
  Json removed = Json::array();
  for (const auto& each : engine.containers().volumes().list()) {
    if ((!all && !each.anonymous) || !filters->labels(texts_of(Json{{"l", each.labels}}, "l"))) continue;
    if (!users_of_volume(engine, each.name).empty()) continue;
    if (engine.containers().volumes().remove(each.name)) removed.push_back(each.name);
  }
  tell_prune(engine, "volume");
  answer(call, {{"VolumesDeleted", removed}, {"SpaceReclaimed", 0}});
}

}  // namespace mete::agent::docker
