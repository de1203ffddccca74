// SPDX-License-Identifier: Apache-2.0
// What a container changed over its image, images that are made of that, and images as archives. Files are walked on a
// thread.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "agent/docker/container/container_layers.h"
#include "agent/docker/images/change_lines.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/file_body.h"
#include "runtime/file.h"
#include "runtime/image/archives/load.h"
#include "runtime/image/archives/save.h"
#include "runtime/image/changes.h"
#include "runtime/image/made_images.h"
#include "runtime/image/references.h"

namespace mete::agent::docker {
namespace image = runtime::image;
using runtime::storage::CopyContent;
using runtime::storage::UpperView;

void container_changes(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const std::string place = place_of(engine, *record);
  std::vector<std::string> layers;
  for (const auto& each : base_image(engine, *record).layers)
    layers.push_back(engine.services().images.layers_directory() + "/" + each);
  const auto found = std::make_shared<Result<std::vector<image::FileChange>>>();
  const auto look = [place, layers,
                     &settings = engine.services().settings]() -> Result<std::vector<image::FileChange>> {
    METE_TRY(const UpperView written, written_view(place, settings, CopyContent::kSizeOnly));
    return image::changes_of(written.directory(), layers);
  };
  engine.services().workers.run([found, look] { *found = look(); },
                                [call, found] {
                                  if (!*found) return refuse(call, 500, found->error().what);
                                  Json rows = Json::array();
                                  for (const auto& each : **found)
                                    rows.push_back({{"Path", each.path}, {"Kind", static_cast<int>(each.kind)}});
                                  answer(call, rows.empty() ? Json() : rows);
                                });
}

void commit_container(Engine& engine, const Call& call) {
  const auto found = engine.containers().find(call.parameter("container"));
  if (!found) return refuse(call, found.error().status, found.error().message);
  const ContainerRecord& record = **found;
  const std::string place = place_of(engine, record);
  image::MadeImage wanted;
  wanted.name = call.parameter("repo");
  const std::string tag = call.parameter("tag");
  if (!wanted.name.empty() && !tag.empty()) wanted.name += ":" + tag;
  wanted.message = call.parameter("comment");
  wanted.author = call.parameter("author");
  auto changes = change_lines(call.request.parameters("changes"));
  if (changes.empty() && !call.request.parameters("changes").empty())
    return refuse(call, 400, "file with no instructions");
  if (const std::string why = wrong_change(changes); !why.empty()) return refuse(call, 400, why);
  wanted.changes = lines_of_config(record.config);
  wanted.changes.insert(wanted.changes.end(), changes.begin(), changes.end());
  std::string command;
  for (const char* part : {"Entrypoint", "Cmd"}) {
    for (const auto& word : words_of(record.config, part)) command.append(command.empty() ? "" : " ").append(word);
  }
  const auto made = std::make_shared<Result<image::Image>>();
  const auto store = engine.services().images;
  const auto base = base_image(engine, record);
  const auto make = [store, base, place, command, wanted,
                     &settings = engine.services().settings]() -> Result<image::Image> {
    METE_TRY(const UpperView written, written_view(place, settings, CopyContent::kAll));
    return image::commit_upper(store, base, written.directory(), command, wanted);
  };
  engine.services().workers.run([made, make] { *made = make(); },
                                [&engine, call, made, wanted, id = record.id] {
                                  if (!*made) return refuse(call, 400, made->error().what);
                                  const auto at = engine.containers().all().find(id);
                                  const std::string image_id = "sha256:" + (*made)->id;
                                  const std::string name = is_nameless(**made) ? "" : (*made)->name;
                                  if (!name.empty())
                                    engine.containers().events().add({"image", "tag", image_id, {{"name", name}}, {}});
                                  if (at != engine.containers().all().end()) {
                                    Json more = {{"comment", wanted.message}, {"imageID", image_id}};
                                    if (!name.empty()) more["imageRef"] = name;
                                    engine.containers().tell(at->second, "commit", std::move(more));
                                  }
                                  answer(call, {{"Id", "sha256:" + (*made)->id}}, 201);
                                });
}

void save_images(Engine& engine, const Call& call) {
  std::vector<std::string> names = call.words;
  for (const auto& each : call.request.parameters("names")) names.push_back(each);
  if (names.empty()) return refuse(call, 400, "names: found none, expected the images to be saved");
  const auto all = engine.services().images.list();
  if (!all) return refuse(call, 500, all.error().what);
  const auto chosen = image::choose_to_save(*all, names);
  if (!chosen) return refuse(call, chosen.error().code == ENOENT ? 404 : 400, chosen.error().what);
  std::vector<image::SaveRequest> requests;
  for (const auto& each : *chosen) requests.push_back({(*all)[each.image], each.names});
  auto file = temporary_file(engine.services().settings.docker());
  if (!file) return refuse(call, 500, file.error().what);
  struct Work {
    runtime::UniqueFd file;
    Status done;
  };
  const auto work = std::make_shared<Work>(Work{std::move(*file), {}});
  engine.services().workers.run([work, store = engine.services().images,
                                 requests] { work->done = image::save_images(store, requests, work->file.get()); },
                                [&engine, call, work, requests] {
                                  if (!work->done) return refuse(call, 500, work->done.error().what);
                                  for (const auto& each : requests) {
                                    const std::string id = "sha256:" + each.image.id;
                                    engine.containers().events().add({"image", "save", id, {{"name", id}}, {}});
                                  }
                                  HttpResponse head;
                                  head.type = "application/x-tar";
                                  call.reply->send(head, std::make_shared<FileBody>(std::move(work->file)));
                                });
}

void load_images(Engine& engine, const Call& call) {
  auto file = body_of(call.request);
  if (!file) return refuse(call, 500, file.error().what);
  struct Work {
    runtime::UniqueFd file;
    Result<std::vector<image::Image>> loaded;
  };
  const auto work = std::make_shared<Work>(Work{std::move(*file), {}});
  engine.services().workers.run(
      [work, store = engine.services().images] {
        work->loaded = image::load_images(store, {"/proc/self/fd/" + std::to_string(work->file.get()), "-"});
      },
      [&engine, call, work] {
        if (!work->loaded) return refuse(call, 500, work->loaded.error().what);
        std::string lines;
        for (const auto& each : *work->loaded) {
          const bool named = !is_nameless(each);
          const std::string text = named ? "Loaded image: " + each.name : "Loaded image ID: sha256:" + each.id;
          lines += Json{{"stream", text + "\n"}}.dump() + "\r\n";
          engine.containers().events().add({"image", "load", "sha256:" + each.id, {{"name", each.name}}, {}});
        }
        answer_lines(*call.reply, lines);
      });
}

}  // namespace mete::agent::docker
