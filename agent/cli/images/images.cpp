// SPDX-License-Identifier: Apache-2.0
// `mete image import`, `images` and `rmi` act on the store, so they work with and without an agent.
#include <memory>

#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "runtime/image/store.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::cli {
namespace {

// Layers of running containers must outlive their image. The pods' records list the layers in use.
std::vector<std::string> layers_in_use(const Common& common, const runtime::image::Store& store) {
  std::vector<std::string> layers;
  const auto answer = Client(common.socket).request("GET", "/mete/v1/pods");
  if (!answer || answer->status != 200) return layers;
  const Json value = Json::parse(answer->body, nullptr, false);
  if (value.is_discarded()) return layers;
  for (const auto& pod : value["pods"]) {
    for (const auto& container : pod["containers"]) {
      // Layers of the running attempt; its image may have been imported again since.
      if (const auto own = container.find("layers"); own != container.end() && own->is_array()) {
        for (const auto& layer : *own) layers.push_back(layer.get<std::string>());
      }
      if (!container.contains("image")) continue;
      if (const auto image = store.find(container["image"].get<std::string>()))
        layers.insert(layers.end(), image->layers.begin(), image->layers.end());
    }
  }
  return layers;
}

// Empty: the image has no creation time, as with reproducible builds.
std::string created_text(const runtime::image::Image& image) {
  const auto created = std::chrono::duration_cast<std::chrono::nanoseconds>(image.created.time_since_epoch());
  return created.count() <= 0 ? std::string() : std::string(runtime::shim::format_time(created).data());
}

Json image_json(const runtime::image::Image& image) {
  Json value = {{"name", image.name}, {"id", image.id}, {"layers", image.layers.size()}, {"size", image.size}};
  value["createdAt"] = created_text(image);
  if (!image.digest.empty()) value["digest"] = image.digest;
  value["entrypoint"] = image.config.entrypoint;
  value["cmd"] = image.config.cmd;
  return value;
}

int image_import(const Common& common, const std::string& path, const std::string& name) {
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto image = store->import(path, name);
  if (!image) return complain(image.error().what);
  if (print_structured(common, image_json(*image))) return kDone;
  print(image->name + " " + image->id.substr(0, 12) + " " + std::to_string(image->layers.size()) + " layers, " +
        bytes_text(image->size) + "\n");
  return kDone;
}

int images(const Common& common) {
  const auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto list = store->list();
  if (!list) return complain(list.error().what);
  Json values = Json::array();
  Table table({"NAME", "ID", "LAYERS", "SIZE", "AGE"});
  for (const auto& image : *list) {
    values.push_back(image_json(image));
    table.add({image.name, image.id.substr(0, 12), std::to_string(image.layers.size()), bytes_text(image.size),
               age_text(values.back()["createdAt"].get<std::string>())});
  }
  if (!print_structured(common, {{"images", values}})) print(table.text());
  return kDone;
}

int remove_images(const Common& common, const std::vector<std::string>& names) {
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  int worst = kDone;
  for (const auto& name : names) {
    const auto in_use = layers_in_use(common, *store);
    if (const auto removed = store->remove(name, in_use); !removed) {
      worst = complain(removed.error().what, removed.error().code == ENOENT ? kNotFound : kFailed);
    } else {
      print(name + " removed\n");
    }
  }
  return worst;
}

}  // namespace

void add_images(CommandLine& line) {
  const Common& common = line.common();
  struct ImportOptions {
    std::string path;
    std::string name;
  };
  auto what = std::make_shared<ImportOptions>();
  auto* group = line.add_group({"image", "Images", "  mete image import busybox.tar busybox"});
  auto* import = line.add(
      {"import", "Import an archive (docker save, OCI, a root file system) or a directory",
       "  mete image import busybox.tar busybox\n  mete image import ./rootfs app:1.0"},
      [&common, what] { return image_import(common, what->path, what->name); }, group);
  import->add_option("path", what->path, "File or directory")->type_name(kFile)->required();
  import->add_option("name", what->name, "NAME[:TAG]")->type_name("IMAGE")->required();
  line.add_output(import);
  line.add_output(line.add({"images", "List images", "  mete images -o json"}, [&common] { return images(common); }));
  auto names = std::make_shared<std::vector<std::string>>();
  line.add({"rmi", "Remove images", "  mete rmi app:1.0"}, [&common, names] { return remove_images(common, *names); })
      ->add_option("names", *names, "NAME[:TAG]")
      ->type_name("IMAGE")
      ->required();
}

}  // namespace mete::agent::cli
