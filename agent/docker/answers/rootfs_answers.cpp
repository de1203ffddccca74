// SPDX-License-Identifier: Apache-2.0
// A container's files as one archive, and images that are made of such an archive: docker export, docker import.
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "agent/docker/container/container_layers.h"
#include "agent/docker/images/change_lines.h"
#include "agent/docker/images/image_names.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/file_body.h"
#include "runtime/file.h"
#include "runtime/image/archives/export.h"
#include "runtime/image/made_images.h"

namespace mete::agent::docker {
namespace {

namespace image = runtime::image;

// What is merged into the container's root.
struct Layers {
  std::string place;               // what the container wrote
  std::vector<std::string> below;  // topmost first
};

Result<Layers> layers_of(Engine& engine, const ContainerRecord& record) {
  const Container* const container = engine.containers().container(record);
  if (container != nullptr && container->record().attempt > 0)
    return Layers{place_of(engine, record), container->record().layers};
  auto base = base_image(engine, record);
  if (base.layers.empty()) return fail("image " + record.image + ": found none of the container's id any more");
  return Layers{place_of(engine, record), std::move(base.layers)};
}

Status export_layers(const Layers& layers, const Services& services, int out) {
  METE_TRY(const auto written, written_view(layers.place, services.settings, runtime::storage::CopyContent::kAll));
  return image::export_tree(written.directory(), services.images.layers_directory(), layers.below, out);
}

}  // namespace

void export_container(Engine& engine, const Call& call) {
  const ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  auto layers = layers_of(engine, *record);
  if (!layers) return refuse(call, 500, layers.error().what);
  auto file = temporary_file(engine.services().settings.docker());
  if (!file) return refuse(call, 500, file.error().what);
  struct Work {
    runtime::UniqueFd file;
    Layers layers;
    Status done;
  };
  const auto work = std::make_shared<Work>(Work{std::move(*file), std::move(*layers), {}});
  engine.services().workers.run(
      [work, &services = engine.services()] {
        // export_tree() gives its caller a mount namespace for good: a thread's ends with the thread.
        std::thread([&] { work->done = export_layers(work->layers, services, work->file.get()); }).join();
      },
      [&engine, call, work, id = record->id] {
        if (!work->done) return refuse(call, 500, work->done.error().what);
        const auto at = engine.containers().all().find(id);
        if (at != engine.containers().all().end()) engine.containers().tell(at->second, "export");
        HttpResponse head;
        head.type = "application/octet-stream";
        call.reply->send(head, std::make_shared<FileBody>(std::move(work->file)));
      });
}

// Of POST /images/create with fromSrc. An address is not fetched: the agent opens no connection for a client but to
// registries.
void import_image(Engine& engine, const Call& call) {
  if (call.parameter("fromSrc") != "-")
    return refuse(call, 400, "fromSrc: found an address, expected - and the archive as the request's body");
  image::MadeImage wanted;
  const std::string tag = call.parameter("tag");
  wanted.name = call.parameter("repo") + (tag.empty() ? "" : ":" + tag);
  if (!wanted.name.empty()) wanted.name = with_tag(wanted.name);
  wanted.message = call.parameter("message");
  wanted.changes = change_lines(call.request.parameters("changes"));
  if (wanted.changes.empty() && !call.request.parameters("changes").empty())
    return refuse(call, 400, "file with no instructions");
  if (const std::string why = wrong_change(wanted.changes); !why.empty()) return refuse(call, 400, why);
  auto file = body_of(call.request);
  if (!file) return refuse(call, 500, file.error().what);
  struct Work {
    runtime::UniqueFd file;
    Result<image::Image> made;
  };
  const auto work = std::make_shared<Work>(Work{std::move(*file), {}});
  engine.services().workers.run(
      [work, wanted, store = engine.services().images] {
        work->made = image::import_rootfs(store, {"/proc/self/fd/" + std::to_string(work->file.get()), "-"}, wanted);
      },
      [&engine, call, work] {
        if (!work->made) return refuse(call, 400, work->made.error().what);
        const std::string id = "sha256:" + work->made->id;
        if (!is_nameless(*work->made))
          engine.containers().events().add({"image", "tag", id, {{"name", work->made->name}}, {}});
        engine.containers().events().add({"image", "import", id, {{"name", id}}, {}});
        answer_lines(*call.reply, Json{{"status", id}}.dump() + "\r\n");
      });
}

}  // namespace mete::agent::docker
