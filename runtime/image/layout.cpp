// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "runtime/file.h"
#include "runtime/image/archive.h"
#include "runtime/image/import.h"
#include "runtime/image/sha256.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kMaxDocument = 4U << 20U;

struct LayerFile {
  std::string path;    // in the layout
  std::string digest;  // sha256 of the file; empty: not known
  std::int64_t size = -1;
  std::string diff_id;
  std::string media_type = {};
};

Status unpack_layer(Staging& staging, const Layout& layout, const LayerFile& file, const std::string& layer_name) {
  METE_TRY(UniqueFd fd, layout.file(file.path));
  const std::string shown = layout.shown(file.path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("stat " + shown);
  if (file.size >= 0 && info.st_size != file.size) {
    return fail(shown + ": found " + std::to_string(info.st_size) + " bytes, expected " + std::to_string(file.size));
  }
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter layer, LayerWriter::open(directory));
  METE_TRY(const ArchiveSums sums, extract_layer(std::move(fd), shown, layer, staging.budget()));
  if (!file.digest.empty() && "sha256:" + sums.file != file.digest) {
    return fail(shown + ": found content with the digest sha256:" + sums.file + ", expected " + file.digest);
  }
  if ("sha256:" + sums.content != file.diff_id) {
    return fail(shown + ": found a layer with the diff_id sha256:" + sums.content + ", expected " + file.diff_id);
  }
  return staging.add_layer(directory, layer_name);
}

struct Source {
  std::string manifest_text;  // empty: of `docker save`
  std::string config_text;
  std::vector<LayerFile> layers;  // lowest first; without diff_ids
};

Result<Image> import_source(Staging& staging, const Layout& layout, Source source, const std::string& name) {
  METE_TRY(ConfigDocument document, parse_config(source.config_text));
  METE_CHECK(check_image(document, source.layers.size()));
  Image image;
  image.name = name;
  staging.add_document(source.config_text);
  image.id = sha256_hex(source.config_text);
  image.config = std::move(document.config);
  image.created = document.created;
  image.manifest = source.manifest_text.empty() ? "" : staging.add_document(source.manifest_text);
  for (std::size_t i = 0; i < source.layers.size(); ++i) {
    LayerFile& file = source.layers[i];
    file.diff_id = document.diff_ids[i];
    const std::string layer = Staging::layer_name(file.diff_id.substr(file.diff_id.find(':') + 1));
    if (!staging.has_layer(layer)) METE_CHECK(unpack_layer(staging, layout, file, layer));
    LayerNote note{file.diff_id, {}};
    if (!file.digest.empty()) note.blobs.push_back({file.media_type, file.digest, file.size, file.diff_id, {}});
    staging.add_note(layer, std::move(note));
    image.layers.insert(image.layers.begin(), layer);
  }
  return finish_image(staging, std::move(image));
}

Result<Source> oci_source(const Layout& layout, const std::string& name) {
  METE_TRY(const Descriptor chosen, choose_manifest(layout, name));
  METE_TRY(const std::string text, layout.blob(chosen));
  METE_TRY(const Manifest manifest, parse_manifest(text));
  Source source;
  source.manifest_text = text;
  METE_TRY(source.config_text, layout.blob(manifest.config));
  for (const Descriptor& layer : manifest.layers) {
    source.layers.push_back({Layout::blob_path(layer), layer.digest, layer.size, "", layer.media_type});
  }
  return source;
}

// Chooses the image called `name` when there are several.
Result<SavedImage> choose_saved(const std::vector<SavedImage>& images, const std::string& name) {
  if (images.size() == 1) return images[0];
  std::string tags;
  for (const SavedImage& image : images) {
    for (const std::string& tag : image.tags) {
      const auto normal = normalize_name(tag);
      if (normal && *normal == name) return image;
      tags += (tags.empty() ? "" : ", ") + tag;
    }
  }
  return fail("manifest.json: found " + std::to_string(images.size()) + " images (" + tags +
              "), expected one, or one that is called " + name);
}

Result<Source> saved_source(const Layout& layout, const std::string& name) {
  METE_TRY(const std::string text, layout.text("manifest.json"));
  METE_TRY(const auto images, parse_saved(text));
  METE_TRY(const SavedImage image, choose_saved(images, name));
  Source source;
  METE_TRY(source.config_text, layout.text(image.config));
  // The configuration's file name is its sum.
  std::string sum = image.config.substr(image.config.rfind('/') + 1);
  sum = sum.substr(0, sum.find('.'));
  if (is_digest("sha256:" + sum) && sha256_hex(source.config_text) != sum) {
    return fail(layout.shown(image.config) + ": found content with the digest sha256:" +
                sha256_hex(source.config_text) + ", expected sha256:" + sum);
  }
  for (const std::string& layer : image.layers) source.layers.push_back({layer, "", -1, ""});
  return source;
}

}  // namespace

Status check_image(const ConfigDocument& document, std::size_t layers) {
  constexpr std::size_t kMaxLayers = 128;  // the layers' names must fit into the options of one mount
  if (document.diff_ids.size() != layers) {
    return fail("found " + std::to_string(layers) + " layers, expected " + std::to_string(document.diff_ids.size()) +
                " as the image's configuration says");
  }
  if (layers == 0 || layers > kMaxLayers)
    return fail("found " + std::to_string(layers) + " layers, expected 1 to " + std::to_string(kMaxLayers));
  const Platform& platform = document.platform;
  if (platform.os == "linux" && platform.architecture == machine_architecture()) return {};
  return fail("found an image for " + platform.os + "/" + platform.architecture + ", expected one for linux/" +
              machine_architecture());
}

Result<Layout> Layout::open(const std::string& directory, const std::string& shown) {
  METE_TRY(UniqueFd root, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  return Layout(std::move(root), shown);
}

bool Layout::has(const std::string& path) const {
  return file(path).has_value();
}

Result<UniqueFd> Layout::file(const std::string& path) const {
  auto fd = open_in_root(root_.get(), path, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail_in(shown_, fd.error());
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return fail_errno("stat " + shown(path));
  if (!S_ISREG(info.st_mode)) return fail(shown(path) + ": found no regular file, expected one");
  return fd;
}

Result<std::string> Layout::text(const std::string& path) const {
  METE_TRY(const UniqueFd fd, file(path));
  auto text = read_file(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd.get()), kMaxDocument);
  if (!text) return fail_in(shown(path), text.error());
  return text;
}

std::string Layout::blob_path(const Descriptor& descriptor) {
  return "blobs/sha256/" + descriptor.digest.substr(descriptor.digest.find(':') + 1);
}

Result<std::string> Layout::blob(const Descriptor& descriptor) const {
  const std::string path = blob_path(descriptor);
  METE_TRY(std::string content, text(path));
  if (static_cast<std::int64_t>(content.size()) != descriptor.size) {
    return fail(shown(path) + ": found " + std::to_string(content.size()) + " bytes, expected " +
                std::to_string(descriptor.size));
  }
  if (const std::string found = "sha256:" + sha256_hex(content); found != descriptor.digest) {
    return fail(shown(path) + ": found content with the digest " + found + ", expected " + descriptor.digest);
  }
  return content;
}

Result<Image> import_layout(Staging& staging, const Layout& layout, const std::string& name) {
  // Docker writes both formats into one archive; the OCI format has more digests to check.
  const bool oci = layout.has("oci-layout") && layout.has("index.json");
  METE_TRY(Source source, oci ? oci_source(layout, name) : saved_source(layout, name));
  return import_source(staging, layout, std::move(source), name);
}

}  // namespace mete::runtime::image
