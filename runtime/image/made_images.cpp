// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/made_images.h"

#include "runtime/image/archives/import.h"
#include "runtime/image/archives/layer_tar.h"
#include "runtime/image/changes.h"
#include "runtime/image/config_changes.h"
#include "runtime/image/made_documents.h"
#include "runtime/image/sha256.h"
#include "runtime/image/upper_layer.h"
#include "runtime/ordered_json.h"

namespace mete::runtime::image {
namespace {

using Json = nlohmann::ordered_json;

std::chrono::system_clock::time_point now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::vector<std::string> directories_of(const Store& store, const Image& image) {
  std::vector<std::string> directories;
  for (const std::string& layer : image.layers) directories.push_back(store.layers_directory() + "/" + layer);
  return directories;
}

// The configuration of an image, with diff_ids also for one that came without any.
Result<Json> config_with_sums(const Store& store, const Image& base) {
  auto text = store.document(base.id);
  if (!text) {
    std::vector<std::string> diff_ids;
    for (auto layer = base.layers.rbegin(); layer != base.layers.rend(); ++layer) {
      LayerNote note = read_note(store.directory(), *layer);
      if (note.diff_id.empty()) {
        METE_TRY(note.diff_id, layer_diff_id(store.layers_directory() + "/" + *layer));
      }
      diff_ids.push_back(note.diff_id);
    }
    text = make_config("", base, diff_ids);
  }
  if (!text) return tl::unexpected(std::move(text.error()));
  Json config = parse_ordered(*text);
  if (!config.is_object()) return fail("image configuration: found no JSON object");
  return config;
}

// One row for each layer where a configuration has no history; what made them is not known.
void fill_history(Json& config) {
  if (config["history"].is_array()) return;
  config["history"] = Json::array();
  for (std::size_t i = 0; i < config["rootfs"]["diff_ids"].size(); ++i)
    config["history"].push_back({{"created", config["created"]}});
}

void add_history(Json& config, const MadeImage& wanted, const std::string& command, bool empty_layer) {
  Json row = {{"created", config["created"]}};
  if (!wanted.author.empty()) row["author"] = wanted.author;
  if (!command.empty()) row["created_by"] = command;
  if (!wanted.message.empty()) row["comment"] = wanted.message;
  if (empty_layer) row["empty_layer"] = true;
  config["history"].push_back(std::move(row));
}

Result<Image> finish_made(Staging& staging, const Json& config, std::vector<std::string> layers,
                          const std::string& name) {
  const std::string text = config.dump(-1, ' ', false, Json::error_handler_t::replace);
  METE_TRY(ConfigDocument document, parse_config(text));
  Image image;
  staging.add_document(text);
  image.id = sha256_hex(text);
  image.name = name.empty() ? nameless(image.id) : name;
  image.layers = std::move(layers);
  image.config = std::move(document.config);
  image.created = document.created;
  return finish_image(staging, std::move(image));
}

Result<std::string> name_of(const MadeImage& wanted) {
  if (wanted.name.empty()) return std::string();
  METE_TRY(std::string name, normalize_name(wanted.name));
  if (name.find('@') != std::string::npos)
    return fail("image name \"" + wanted.name +
                "\": found a digest, expected a tag: a digest is what a registry gives");
  return name;
}

}  // namespace

Result<Image> import_rootfs(const Store& store, const ArchivePlace& place, const MadeImage& wanted) {
  METE_TRY(const std::string name, name_of(wanted));
  Image made;
  made.created = now_in_seconds();
  METE_TRY(const std::string empty, make_config("", made, {}));
  Json config = Json::parse(empty);
  METE_CHECK(apply_changes(config["config"], wanted.changes));
  fill_history(config);
  METE_TRY(Staging staging, Staging::begin(store.directory(), Wait::kYes));
  METE_TRY(const std::string sum, add_rootfs_layer(staging, place, Whiteouts::kRefuse));
  const std::string layer = Staging::layer_name(sum);
  staging.add_note(layer, LayerNote{"sha256:" + sum, {}});
  config["rootfs"]["diff_ids"] = {"sha256:" + sum};
  MadeImage row = wanted;
  if (row.message.empty()) row.message = "Imported from " + place.shown;
  add_history(config, row, "", false);
  return finish_made(staging, config, {layer}, name);
}

Result<Image> commit_upper(const Store& store, const Image& base, const std::string& upper, const std::string& command,
                           const MadeImage& wanted) {
  METE_TRY(const std::string name, name_of(wanted));
  METE_TRY(Json config, config_with_sums(store, base));
  fill_history(config);
  METE_CHECK(apply_changes(config["config"], wanted.changes));
  METE_TRY(Staging staging, Staging::begin(store.directory(), Wait::kYes));
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter writer, LayerWriter::open(directory));
  METE_CHECK(copy_upper(upper, writer, staging.budget()));
  METE_CHECK(drop_mount_points(directory, directories_of(store, base)));
  METE_CHECK(writer.finish());
  METE_TRY(const bool empty, is_empty_layer(directory));
  std::vector<std::string> layers = base.layers;
  config["created"] = document_time(now_in_seconds());
  if (!wanted.author.empty()) config["author"] = wanted.author;
  if (!empty) {
    METE_TRY(const std::string diff_id, layer_diff_id(directory));
    const std::string layer = Staging::layer_name(diff_id.substr(diff_id.find(':') + 1));
    METE_CHECK(staging.add_layer(directory, layer));
    staging.add_note(layer, LayerNote{diff_id, {}});
    config["rootfs"]["diff_ids"].push_back(diff_id);
    layers.insert(layers.begin(), layer);
  }
  add_history(config, wanted, command, empty);
  return finish_made(staging, config, std::move(layers), name);
}

}  // namespace mete::runtime::image
