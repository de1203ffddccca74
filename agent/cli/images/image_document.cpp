// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/image_document.h"

#include <set>

#include "runtime/image/layer_note.h"
#include "runtime/image/made_documents.h"
#include "runtime/ordered_json.h"

namespace mete::agent::cli {
namespace {

namespace image = runtime::image;
using Json = nlohmann::ordered_json;

std::string text_of(const Json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

// Topmost first, as overlayfs' option has them.
Json lower_directories(const image::Store& store, const image::Image& each) {
  std::string all;
  for (const std::string& layer : each.layers) all += (all.empty() ? "" : ":") + store.layers_directory() + "/" + layer;
  return {{"LowerDir", all}};
}

}  // namespace

Json config_document(const image::Store& store, const image::Image& each) {
  if (const auto own = store.document(each.id)) {
    Json config = runtime::parse_ordered(*own);
    if (config.is_object() && config.contains("rootfs") && config["rootfs"].contains("diff_ids")) return config;
  }
  std::vector<std::string> diff_ids;
  for (auto layer = each.layers.rbegin(); layer != each.layers.rend(); ++layer) {
    const std::string known = image::read_note(store.directory(), *layer).diff_id;
    diff_ids.push_back(known.empty() ? "sha256:" + *layer : known);
  }
  return Json::parse(image::make_config("", each, diff_ids).value_or("{}"));
}

Json inspect_document(const image::Store& store, const std::vector<image::Image>& images, std::size_t index) {
  const image::Image& each = images[index];
  const Json config = config_document(store, each);
  Json tags = Json::array();
  std::set<std::string> digests;
  for (const image::Image& other : images) {
    if (other.id != each.id || image::is_nameless(other)) continue;
    if (other.name.find('@') == std::string::npos) tags.push_back(other.name);
    if (!other.digest.empty()) digests.insert(image::repository_of(other.name) + "@" + other.digest);
  }
  Json document = {{"Id", "sha256:" + each.id},
                   {"RepoTags", tags},
                   {"RepoDigests", digests},
                   {"Parent", ""},
                   {"Comment", text_of(config, "comment")},
                   {"Created", text_of(config, "created")},
                   {"DockerVersion", text_of(config, "docker_version")},
                   {"Author", text_of(config, "author")},
                   {"Architecture", text_of(config, "architecture")},
                   {"Os", text_of(config, "os")},
                   {"Size", each.size}};
  if (const std::string variant = text_of(config, "variant"); !variant.empty()) document["Variant"] = variant;
  document["Config"] = config.value("config", Json::object());
  document["GraphDriver"] = {{"Data", lower_directories(store, each)}, {"Name", "overlay2"}};
  Json layers = Json::array();
  for (const Json& diff_id : config["rootfs"]["diff_ids"]) {
    if (diff_id.is_string() && image::is_digest(diff_id.get<std::string>())) layers.push_back(diff_id);
  }
  document["RootFS"] = {{"Type", "layers"}, {"Layers", layers}};
  return document;
}

}  // namespace mete::agent::cli
