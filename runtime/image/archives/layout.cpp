// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/file.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/archives/import.h"
#include "runtime/image/sha256.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kMaxDocument = 4U << 20U;

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

// The sentence of what is there but is no form.
Status unknown_form(const Layout& layout) {
  if (layout.has("oci-layout")) return fail("found oci-layout without index.json, expected both");
  if (layout.has("index.json")) return fail("found index.json without oci-layout, expected both");
  if (layout.has("repositories"))
    return fail("found repositories without manifest.json, expected what docker 1.10 and later writes");
  return fail("found neither oci-layout with index.json nor manifest.json, expected images");
}

// Of manifest.json.
Result<LayoutForm> form_of(const std::string& text) {
  if (parse_saved(text)) return LayoutForm::kSaved;
  if (parse_manifest(text) || parse_index(text)) return LayoutForm::kFlat;
  return fail(
      "manifest.json: found no list of images, as docker, podman, crane and jib write it, and no manifest; import a "
      "root file system that has such a file with `mete import`");
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
  Layout layout(std::move(root), shown);
  // Docker writes both formats into one archive; the OCI format has more digests to check.
  if (layout.has("oci-layout") && layout.has("index.json")) return layout;
  if (!layout.has("manifest.json")) return fail_in(shown, unknown_form(layout).error());
  METE_TRY(const std::string text, layout.text("manifest.json"));
  auto form = form_of(text);
  if (!form) return fail_in(shown, form.error());
  layout.form_ = *form;
  return layout;
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

std::string Layout::blob_path(const Descriptor& descriptor) const {
  const std::string hex = descriptor.digest.substr(descriptor.digest.find(':') + 1);
  if (form_ != LayoutForm::kFlat) return "blobs/sha256/" + hex;
  return is_manifest_type(descriptor.media_type) || is_index_type(descriptor.media_type) ? hex + ".manifest.json" : hex;
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

Result<Image> import_image_of(Staging& staging, const Layout& layout, LayoutImage source, const std::string& name) {
  METE_TRY(ConfigDocument document, parse_config(source.config_text));
  METE_CHECK(check_image(document, source.layers.size()));
  Image image;
  image.name = name;
  staging.add_document(source.config_text);
  image.id = sha256_hex(source.config_text);
  if (image.name.empty()) image.name = nameless(image.id);
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

}  // namespace mete::runtime::image
