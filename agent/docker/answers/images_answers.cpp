// SPDX-License-Identifier: Apache-2.0
// Images: what the store has.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include "agent/base/image_puller.h"
#include "agent/docker/container/state.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/filters.h"
#include "agent/docker/images/image_names.h"
#include "agent/docker/routes.h"
#include "runtime/image/archives/platforms.h"
#include "runtime/image/references.h"

namespace mete::agent::docker {
namespace {

using runtime::image::Image;

// By id or by name: images of one id are one image with several names.
std::vector<Image> images_named(Engine& engine, const std::string& word) {
  const auto all = engine.services().images.list();
  if (!all) return {};
  std::string id = word;
  if (id.starts_with("sha256:")) id.erase(0, 7);
  if (const auto found = engine.services().images.find(word)) id = found->id;
  std::vector<Image> same;
  constexpr std::size_t kShortest = 4;
  for (const auto& each : *all) {
    if (id.size() >= kShortest && each.id.starts_with(id)) same.push_back(each);
  }
  return same;
}

std::int64_t unix_seconds(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

Json labels_json(const Image& image) {
  Json labels = Json::object();
  for (const auto& [name, value] : image.config.labels) labels[name] = value;
  return labels;
}

Json digests_json(const std::vector<Image>& same) {
  Json digests = Json::array();
  for (const auto& each : same) {
    if (!each.digest.empty()) digests.push_back(each.name.substr(0, each.name.rfind(':')) + "@" + each.digest);
  }
  return digests;
}

Json tags_json(const std::vector<Image>& same) {
  Json tags = Json::array();
  for (const auto& each : same) {
    if (!is_nameless(each)) tags.push_back(each.name);
  }
  return tags;
}

Json words_or_null(const std::vector<std::string>& words) {
  return words.empty() ? Json() : Json(words);
}

// Of the filters `before` and `since`: images made earlier, or later, than one that is there.
struct Between {
  std::optional<std::chrono::system_clock::time_point> since;
  std::optional<std::chrono::system_clock::time_point> before;
};

Result<Between> between(Engine& engine, const Filters& filters) {
  Between bounds;
  for (const char* filter : {"before", "since"}) {
    for (const auto& word : filters.values(filter)) {
      const auto same = images_named(engine, word);
      if (same.empty()) return tl::unexpected(Error{ENOENT, no_such_image(word)});
      (*filter == 'b' ? bounds.before : bounds.since) = same.front().created;
    }
  }
  return bounds;
}

// Digests of its layers' archives, topmost first; of an image that came without a configuration, what stands for them.
std::vector<std::string> digests_of(Engine& engine, const Image& image) {
  auto digests = settings_of_image(engine.services().images, image).diff_ids;
  std::reverse(digests.begin(), digests.end());
  if (digests.size() == image.layers.size()) return digests;
  digests.clear();
  for (const auto& layer : image.layers) digests.push_back("sha256:" + layer);
  return digests;
}

// Of the layers that go with an image: none of the others has them.
std::vector<std::string> own_layers(Engine& engine, const Image& image, const std::vector<Image>& all) {
  std::vector<std::string> own;
  const auto digests = digests_of(engine, image);
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    const auto& layer = image.layers[i];
    const bool shared = std::any_of(all.begin(), all.end(), [&](const Image& other) {
      return other.id != image.id && std::find(other.layers.begin(), other.layers.end(), layer) != other.layers.end();
    });
    if (!shared) own.push_back(digests[i]);
  }
  return own;
}

Json image_row(const std::vector<Image>& same, int version) {
  const Image& image = same.front();
  Json row = {{"Id", "sha256:" + image.id},
              {"ParentId", ""},
              {"RepoTags", tags_json(same)},
              {"RepoDigests", digests_json(same)},
              {"Created", unix_seconds(image.created)},
              {"Size", image.size},
              {"SharedSize", -1},
              {"Labels", labels_json(image)},
              {"Containers", -1}};
  constexpr int kWithout = 44;
  if (version < kWithout) row["VirtualSize"] = image.size;
  return row;
}

void tell_image(Engine& engine, const std::string& action, const std::string& id, const std::string& name) {
  engine.containers().events().add({"image", action, id, {{"name", name}}, {}});
}

}  // namespace

Result<Json> image_rows(Engine& engine, const Filters& filters, int version) {
  METE_TRY(const auto all, engine.services().images.list());
  METE_TRY(const Between bounds, between(engine, filters));
  METE_TRY(const auto dangling, filters.truth("dangling"));
  std::map<std::string, std::vector<Image>> by_id;
  const auto references = filters.values("reference");
  for (const auto& each : all) {
    const auto fits = [&](const std::string& pattern) { return runtime::image::is_named_like(each, pattern); };
    const bool asked = references.empty() || std::any_of(references.begin(), references.end(), fits);
    const bool made_then =
        (!bounds.before || each.created < *bounds.before) && (!bounds.since || each.created > *bounds.since);
    if (asked && made_then && filters.labels(each.config.labels)) by_id[each.id].push_back(each);
  }
  if (dangling) std::erase_if(by_id, [&](const auto& each) { return *dangling != is_nameless(each.second.front()); });
  std::vector<Json> rows;
  for (const auto& [id, same] : by_id) rows.push_back(image_row(same, version));
  std::stable_sort(rows.begin(), rows.end(), [](const Json& a, const Json& b) { return a["Created"] > b["Created"]; });
  for (auto& row : rows) {
    const auto& records = engine.containers().all();
    row["Containers"] = std::count_if(records.begin(), records.end(),
                                      [&](const auto& each) { return each.second.image_id == row["Id"]; });
  }
  return Json(rows);
}

void list_images(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"reference", "label", "dangling", "before", "since"});
  if (!filters) return refuse(call, 400, filters.error().what);
  auto rows = image_rows(engine, *filters, call.version);
  if (!rows) return refuse(call, rows.error().code == ENOENT ? 404 : 500, rows.error().what);
  for (auto& row : *rows) row["Containers"] = -1;  // counted for `system df` alone
  answer(call, *rows);
}

void inspect_image(Engine& engine, const Call& call) {
  const auto same = images_named(engine, call.words.front());
  if (same.empty()) {
    const std::string& word = call.words.front();
    return refuse(call, 404, "no such image: " + word + ": " + no_such_image(word));
  }
  const Image& image = same.front();
  const auto settings = settings_of_image(engine.services().images, image);
  Json config = {{"User", image.config.user},
                 {"Env", words_or_null(image.config.env)},
                 {"Cmd", words_or_null(image.config.cmd)},
                 {"Entrypoint", words_or_null(image.config.entrypoint)},
                 {"WorkingDir", image.config.working_dir},
                 {"Labels", labels_json(image)},
                 {"Volumes", Json()}};
  for (const auto& each : settings.volumes) config["Volumes"][each] = Json::object();
  for (const auto& each : settings.exposed_ports) config["ExposedPorts"][each] = Json::object();
  if (settings.healthcheck) config["Healthcheck"] = healthcheck_json(settings);
  if (!settings.stop_signal.empty()) config["StopSignal"] = settings.stop_signal;
  auto layers = digests_of(engine, image);
  std::reverse(layers.begin(), layers.end());
  answer(call, {{"Id", "sha256:" + image.id},
                {"RepoTags", tags_json(same)},
                {"RepoDigests", digests_json(same)},
                {"Parent", ""},
                {"Comment", settings.history.empty() ? "" : settings.history.back().comment},
                {"Created", time_text(image.created)},
                {"DockerVersion", ""},
                {"Author", settings.author},
                {"Config", config},
                {"Architecture", runtime::image::machine_architecture()},
                {"Os", "linux"},
                {"Size", image.size},
                {"GraphDriver", {{"Data", Json()}, {"Name", "overlay2"}}},
                {"RootFS", {{"Type", "layers"}, {"Layers", layers}}},
                {"Metadata", {{"LastTagTime", time_text({})}}}});
}

void tag_image(Engine& engine, const Call& call) {
  const auto same = images_named(engine, call.words.front());
  if (same.empty()) return refuse(call, 404, no_such_image(call.words.front()));
  const std::string tag = call.parameter("tag");
  const std::string name = call.parameter("repo") + (tag.empty() ? "" : ":" + tag);
  const auto tagged = engine.services().images.tag(same.front().name, name);
  if (!tagged) return refuse(call, 400, tagged.error().what);
  tell_image(engine, "tag", "sha256:" + same.front().id, name);
  answer_nothing(call, 201);
}

void remove_image(Engine& engine, const Call& call) {
  const std::string& word = call.words.front();
  const auto same = images_named(engine, word);
  if (same.empty()) return refuse(call, 404, no_such_image(word));
  const bool force = call.flag("force");
  auto& images = engine.services().images;
  // A name is taken away; an id is the image with all its names.
  const auto named = images.find(word);
  const bool last = !named || same.size() == 1;
  if (!named && same.size() > 1 && !force)
    return refuse(call, 409,
                  "conflict: unable to delete " + same.front().id.substr(0, 12) +
                      " (must be forced) - image is referenced in multiple repositories");
  const std::string id = "sha256:" + same.front().id;
  for (const auto& [other, record] : engine.containers().all()) {
    if (record.image_id != id || !last) continue;
    const std::string image = same.front().id.substr(0, 12);
    if (engine.containers().state(record).running && (force || !named))
      return refuse(call, 409,
                    "conflict: unable to delete " + image +
                        " (cannot be forced) - image is being used by running container " + record.short_id());
    if (!force && !named)
      return refuse(call, 409,
                    "conflict: unable to delete " + image +
                        " (must be forced) - image is being used by stopped container " + record.short_id());
    if (!force)
      return refuse(call, 409,
                    "conflict: unable to remove repository reference \"" + word + "\" (must force) - container " +
                        record.short_id() + " is using its referenced image " + image);
  }
  const auto in_use = engine.containers().reconciler().layers_in_use();
  if (!in_use) return refuse(call, 409, "a container's layers are not known yet; try again");
  const auto all = images.list();
  const auto layers = all ? own_layers(engine, same.front(), *all) : std::vector<std::string>();
  Json done = Json::array();
  for (const auto& image : named ? std::vector<Image>{*named} : same) {
    if (const auto removed = images.remove(image.name, *in_use); !removed)
      return refuse(call, 500, removed.error().what);
    done.push_back({{"Untagged", image.name}});
    tell_image(engine, "untag", id, image.name);
  }
  if (last) {
    done.push_back({{"Deleted", id}});
    for (const auto& layer : layers) done.push_back({{"Deleted", layer}});
    tell_image(engine, "delete", id, id);
  }
  answer(call, done);
}

// Without a name, or with dangling=false all of them that nothing is made of.
void prune_images(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"dangling", "label", "label!", "until"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto until = filters->until();
  if (!until) return refuse(call, 400, until.error().what);
  const auto dangling = filters->truth("dangling");
  if (!dangling) return refuse(call, 400, dangling.error().what);
  const bool all = !dangling->value_or(true);
  auto& images = engine.services().images;
  const auto in_use = engine.containers().reconciler().layers_in_use();
  const auto list = images.list();
  if (!in_use || !list) return refuse(call, 409, "the images that are in use are not known yet; try again");
  const auto is_used = [&](const Image& image) {
    const auto& records = engine.containers().all();
    return std::any_of(records.begin(), records.end(),
                       [&](const auto& each) { return each.second.image_id == "sha256:" + image.id; }) ||
           (!image.layers.empty() && std::find(in_use->begin(), in_use->end(), image.layers.front()) != in_use->end());
  };
  Json removed = Json::array();
  std::int64_t bytes = 0;
  auto left = *list;
  for (const auto& image : *list) {
    if ((!all && !is_nameless(image)) || is_used(image) || !filters->labels(image.config.labels)) continue;
    if (*until && image.created >= **until) continue;
    const auto own = own_layers(engine, image, left);
    if (!images.remove(image.name, *in_use)) continue;
    if (!is_nameless(image)) removed.push_back({{"Untagged", image.name}});
    std::erase_if(left, [&](const Image& each) { return each.name == image.name; });
    const bool last = std::none_of(left.begin(), left.end(), [&](const Image& each) { return each.id == image.id; });
    if (!last) continue;
    removed.push_back({{"Deleted", "sha256:" + image.id}});
    for (const auto& layer : own) removed.push_back({{"Deleted", layer}});
    bytes += image.size;
  }
  tell_prune(engine, "image", bytes);
  answer(call, {{"ImagesDeleted", removed.empty() ? Json() : removed}, {"SpaceReclaimed", bytes}});
}

}  // namespace mete::agent::docker
