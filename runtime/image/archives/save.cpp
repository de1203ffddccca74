// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/save.h"

#include <fcntl.h>

#include <set>

#include "runtime/file.h"
#include "runtime/image/archives/layer_tar.h"
#include "runtime/image/archives/tar_stream.h"
#include "runtime/image/made_documents.h"
#include "runtime/image/sha256.h"
#include "runtime/json.h"

namespace mete::runtime::image {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";

std::string blob_file(const std::string& digest) {
  return "blobs/sha256/" + digest.substr(digest.find(':') + 1);
}

class Saver {
 public:
  Saver(const Store& store, TarStream& tar) : store_(store), tar_(tar) {}

  Status image(const SaveRequest& request) {
    const Image& image = request.image;
    std::vector<Descriptor> layers;
    std::vector<std::string> diff_ids;
    for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
      METE_TRY(Descriptor blob, put_layer(*layer));
      diff_ids.push_back(blob.digest);
      layers.push_back(std::move(blob));
    }
    METE_TRY(const std::string config, config_of_saved(image, diff_ids));
    METE_TRY(const Descriptor config_blob, put_document(config, kOciConfig));
    METE_TRY(const Descriptor manifest, put_document(make_manifest(config_blob, layers), kOciManifest));
    list(request, manifest, config_blob, layers);
    return {};
  }

  Status finish() {
    METE_CHECK(
        tar_.file("index.json", Json{{"schemaVersion", 2}, {"mediaType", kOciIndex}, {"manifests", index_}}.dump()));
    METE_CHECK(tar_.file("manifest.json", saved_.dump()));
    METE_CHECK(tar_.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    // As docker: none when every image was asked for by its id.
    if (!repositories_.empty()) METE_CHECK(tar_.file("repositories", repositories_.dump()));
    return tar_.close();
  }

 private:
  Result<Descriptor> put_layer(const std::string& layer) {
    if (const auto known = layers_.find(layer); known != layers_.end()) return known->second;
    // Without a name: whatever ends this process removes it. The header of the archive wants its size first.
    METE_TRY(const UniqueFd file, open_at(AT_FDCWD, store_.directory(), O_TMPFILE | O_RDWR, 0600));
    METE_TRY(const LayerTar tar, write_layer_tar(store_.layers_directory() + "/" + layer, file.get(), Packing::kNone));
    const Descriptor blob{kOciPlainLayer, tar.digest, tar.size, {}, "", false};
    if (written_.insert(tar.digest).second) METE_CHECK(tar_.file(blob_file(tar.digest), file.get(), tar.size));
    return layers_.emplace(layer, blob).first->second;
  }

  Result<Descriptor> put_document(const std::string& text, const char* type) {
    const Descriptor blob{type, "sha256:" + sha256_hex(text), static_cast<std::int64_t>(text.size()), {}, "", false};
    if (written_.insert(blob.digest).second) METE_CHECK(tar_.file(blob_file(blob.digest), text));
    return blob;
  }

  // The image's own where its layers have the digests that it names.
  Result<std::string> config_of_saved(const Image& image, const std::vector<std::string>& diff_ids) const {
    const auto own = store_.document(image.id);
    if (!own) return make_config("", image, diff_ids);
    const auto parsed = parse_config(*own);
    return parsed && parsed->diff_ids == diff_ids ? own : make_config(*own, image, diff_ids);
  }

  void list(const SaveRequest& request, const Descriptor& manifest, const Descriptor& config,
            const std::vector<Descriptor>& layers) {
    Json entry = {{"mediaType", manifest.media_type}, {"digest", manifest.digest}, {"size", manifest.size}};
    if (request.names.empty()) index_.push_back(entry);
    Json tags = Json::array();
    for (const std::string& name : request.names) {
      const auto colon = name.rfind(':');
      const std::string tag = name.substr(colon + 1);
      entry["annotations"] = {{"io.containerd.image.name", full_name(name)},
                              {"org.opencontainers.image.ref.name", tag}};
      index_.push_back(entry);
      tags.push_back(name);
      repositories_[name.substr(0, colon)][tag] = layers.back().digest.substr(7);
    }
    Json files = Json::array();
    Json sources = Json::object();
    for (const Descriptor& layer : layers) {
      files.push_back(blob_file(layer.digest));
      sources[layer.digest] = {{"mediaType", layer.media_type}, {"size", layer.size}, {"digest", layer.digest}};
    }
    saved_.push_back({{"Config", blob_file(config.digest)},
                      {"RepoTags", tags.empty() ? Json() : tags},
                      {"Layers", files},
                      {"LayerSources", sources}});
  }

  const Store& store_;
  TarStream& tar_;
  std::map<std::string, Descriptor> layers_;  // by name in the store
  std::set<std::string> written_;             // digests
  Json index_ = Json::array();
  Json saved_ = Json::array();
  Json repositories_ = Json::object();
};

}  // namespace

Status save_images(const Store& store, const std::vector<SaveRequest>& requests, int out) {
  METE_TRY(TarStream tar, TarStream::open(out));
  METE_CHECK(tar.directory("blobs"));
  METE_CHECK(tar.directory("blobs/sha256"));
  Saver saver(store, tar);
  for (const SaveRequest& request : requests) METE_CHECK(saver.image(request));
  return saver.finish();
}

}  // namespace mete::runtime::image
