// SPDX-License-Identifier: Apache-2.0
// POST /containers/create.
#include "agent/docker/create/create_request.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/images/image_names.h"
#include "agent/docker/images/platform.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/body_types.h"
#include "agent/docker/volume_fill.h"
#include "runtime/image/archives/platforms.h"
#include "runtime/image/merged.h"
#include "runtime/image/users.h"

namespace mete::agent::docker {
namespace {

std::vector<std::string> layer_paths(const runtime::image::Store& images, const runtime::image::Image& image) {
  std::vector<std::string> paths;
  for (const auto& each : image.layers) paths.push_back(images.layers_directory() + "/" + each);
  return paths;
}

// The client hears of its container when the volumes have what the image has there.
void fill_then_answer(Engine& engine, const Call& call, const ContainerRecord& record,
                      const runtime::image::Image& image) {
  const auto done = [call, id = record.id] { answer(call, {{"Id", id}, {"Warnings", Json::array()}}, 201); };
  std::vector<VolumeFill> fills;
  const auto mounts = mounts_of(record.config, record.host_config);
  for (const auto& each : mounts ? *mounts : std::vector<MountAsked>()) {
    if (each.type == "volume" && !each.no_copy && !engine.containers().volumes().mount_of(each.source))
      fills.push_back({engine.containers().volumes().directory() + "/" + each.source, each.target});
  }
  if (fills.empty()) return done();
  const auto layers = layer_paths(engine.services().images, image);
  const auto filled = std::make_shared<Status>();
  engine.services().workers.run([filled, layers, fills] { *filled = fill_volumes(layers, fills); },
                                [&engine, call, filled, done, id = record.id] {
                                  if (*filled) return done();
                                  const std::string why = "fill a volume: " + filled->error().what;
                                  if (!engine.containers().all().contains(id)) return refuse(call, 500, why);
                                  engine.containers().remove(id, true, true,
                                                             [call, why](const auto&) { refuse(call, 500, why); });
                                });
}

// The store has images of this machine's platform alone. 404 makes the client ask for the other one, which a pull then
// refuses. False: it has its answer.
bool has_platform(const Call& call, const std::string& image) {
  const std::string asked = call.parameter("platform");
  if (asked.empty()) return true;
  const std::string own = runtime::image::machine_architecture();
  const auto platform = parse_platform(asked, own);
  if (!platform) {
    refuse(call, 400, platform.error().what);
    return false;
  }
  if (platform->system == "linux" && platform->architecture == own) return true;
  refuse(call, 404,
         "image with reference " + image + " was found but does not match the specified platform: wanted " +
             to_text(*platform) + ", actual: linux/" + own);
  return false;
}

// --group-add: numbers, and names of the image's /etc/group. docker looks them up when it starts the container.
Status add_groups(const runtime::image::Store& images, const runtime::image::Image& image, ContainerRecord& record) {
  const auto words = words_of(record.host_config, "GroupAdd");
  if (words.empty()) return {};
  METE_TRY(const auto view, runtime::image::MergedView::open(layer_paths(images, image)));
  METE_TRY(const std::string group, view.text("etc/group"));
  Json& numbers = record.config["MeteGroups"] = Json::array();
  for (const auto& word : words) {
    const auto found = runtime::image::resolve_user("0:" + word, "", group);
    if (!found) return fail("Unable to find group " + word + ": no matching entries in group file");
    numbers.push_back(found->gid);
  }
  return {};
}

}  // namespace

void create_container(Engine& engine, const Call& call) {
  if (!call.request.content_type.starts_with("application/json"))
    return refuse(call, 400, "Content-Type specified (" + call.request.content_type + ") must be 'application/json'");
  const auto body = parse_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  if (body->empty()) return refuse(call, 400, "Config cannot be empty in order to create a container");
  if (const auto right = check_types(*body); !right) return refuse(call, 400, right.error().what);
  const std::string image_name = text_of(*body, "Image");
  if (image_name.empty())
    return refuse(call, 400, "no image: found none, expected one that the container is made from");
  // By its name, or by its id.
  auto image = engine.services().images.find(image_name);
  const bool by_id = !image;
  if (by_id) image = engine.services().images.resolve(image_name);
  if (!image) {
    // A client that gets 404 here asks for the image, and nothing else may make it do that.
    const bool missing = image.error().code == ENOENT;
    return refuse(call, missing ? 404 : 400, missing ? no_such_image(image_name) : image.error().what);
  }
  if (!has_platform(call, image_name)) return;
  auto record = read_create(*body, *image, machine_bounds(), settings_of_image(engine.services().images, *image));
  if (!record) return refuse(call, 400, record.error().what);
  if (const auto size = layer_size_of(record->host_config); size && *size) {
    if (const auto can = engine.services().storage->can_limit(); !can) return refuse(call, 400, can.error().what);
  }
  if (by_id) record->config["MeteImage"] = image->name;
  if (const auto added = add_groups(engine.services().images, *image, *record); !added)
    return refuse(call, 400, added.error().what);
  const auto made = engine.containers().create(std::move(*record), call.parameter("name"));
  if (!made) return refuse(call, made.error().status, made.error().message);
  fill_then_answer(engine, call, **made, *image);
}

}  // namespace mete::agent::docker
