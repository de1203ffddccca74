// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/file.h"
#include "runtime/image/archives/import.h"
#include "runtime/image/image_record.h"
#include "runtime/image/layer_lock.h"
#include "runtime/image/merged.h"
#include "runtime/image/sha256.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {
namespace {

constexpr const char* kHowToImport = "`mete image import DIRECTORY|ARCHIVE ";

Result<std::vector<std::string>> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename());
  }
  if (error) return fail_errno("read directory " + directory, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<Image> read_record(const std::string& path) {
  METE_TRY(const std::string text, read_file(AT_FDCWD, path));
  auto image = from_record(text);
  if (!image) return fail_in(path, image.error());
  return image;
}

// "sha256:ab" -> "ab"
std::string hex_of(const std::string& digest) {
  return digest.substr(digest.find(':') + 1);
}

// Layers that the next build may use again (runtime/build/step_cache.h).
Result<std::vector<std::string>> kept_for_builds(const std::string& store) {
  const std::string directory = store + "/build/kept";
  if (::access(directory.c_str(), F_OK) != 0) return std::vector<std::string>();
  return names_in(directory);
}

// The caller holds the lock. An unreadable image record stops the removal: the layers that it uses are not known.
Status remove_unused(Staging& staging, const Store& store, const std::vector<std::string>& in_use) {
  METE_TRY(const auto images, store.list());
  std::set<std::string> used(in_use.begin(), in_use.end());
  for (const Image& image : images) used.insert(image.layers.begin(), image.layers.end());
  METE_TRY(const auto kept, kept_for_builds(staging.store()));
  used.insert(kept.begin(), kept.end());
  METE_TRY(const auto layers, names_in(store.layers_directory()));
  for (const std::string& layer : layers) {
    if (used.count(layer) != 0) continue;
    // A pull that is under way may count on it.
    METE_TRY(const LayerLock alone, LayerLock::try_alone(staging.store(), layer));
    if (alone.held()) METE_CHECK(staging.discard_layer(layer));
  }
  METE_CHECK(remove_left_layers(staging.store()));
  std::set<std::string> documents;
  for (const Image& image : images) documents.insert({image.id + ".json", hex_of(image.manifest) + ".json"});
  METE_TRY(const auto names, names_in(staging.store() + "/documents"));
  for (const std::string& name : names) {
    if (documents.count(name) == 0) (void)::unlink((staging.store() + "/documents/" + name).c_str());
  }
  return {};
}

}  // namespace

Result<Store> Store::open(std::string directory) {
  if (directory.empty()) return fail("image store: found an empty path, expected a directory");
  // Layers hold setuid programs and whiteout devices: the mode keeps other users out.
  METE_CHECK(make_directories(directory, 0700));
  for (const char* name : {"/layers", "/images", "/tmp", "/notes", "/documents", "/incoming"})
    METE_CHECK(make_directories(directory + name, 0700));
  return Store(std::move(directory));
}

Result<Image> Store::find(const std::string& name) const {
  METE_TRY(const std::string normal, normalize_name(name));
  auto image = read_record(directory_ + "/images/" + record_file(normal));
  if (!image && image.error().code == ENOENT) {
    return tl::unexpected(Error{ENOENT, "image \"" + name + "\": not in the store " + directory_ + "; import it with " +
                                            kHowToImport + name + "`"});
  }
  return image;
}

Result<std::vector<Image>> Store::list() const {
  METE_TRY(const auto names, names_in(directory_ + "/images"));
  std::vector<Image> images;
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;
    auto image = read_record(directory_ + "/images/" + name);
    if (!image && image.error().code == ENOENT) continue;  // removed meanwhile
    if (!image) return tl::unexpected(std::move(image.error()));
    images.push_back(std::move(*image));
  }
  std::sort(images.begin(), images.end(), [](const Image& a, const Image& b) { return a.name < b.name; });
  return images;
}

Result<Image> Store::resolve(const std::string& reference) const {
  METE_TRY(const auto images, list());
  METE_TRY(const std::size_t found, choose_reference(images, reference));
  return images[found];
}

Result<Image> Store::import(const std::string& path, const std::string& name) {
  METE_TRY(const std::string normal, normalize_name(name));
  METE_TRY(Staging staging, Staging::begin(directory_, Wait::kYes));
  auto image = import_image(staging, {path, path}, normal);
  if (!image) {
    auto error = std::move(image.error());
    if (error.what.find(path) == std::string::npos) error.what = path + ": " + error.what;
    return tl::unexpected(std::move(error));
  }
  return image;
}

Status Store::tag(const std::string& from, const std::string& to) {
  METE_TRY(const std::string normal, normalize_name(to));
  if (normal.find('@') != std::string::npos)
    return fail("image name \"" + to + "\": found a digest, expected a tag: a digest is what a registry gives");
  METE_TRY(Staging staging, Staging::begin(directory_, Wait::kYes));
  METE_TRY(Image image, resolve(from));
  image.name = normal;
  return staging.commit(image);
}

Result<std::string> Store::document(const std::string& sha256) const {
  METE_TRY(std::string text, read_file(AT_FDCWD, directory_ + "/documents/" + sha256 + ".json"));
  if (sha256_hex(text) != sha256) return fail(directory_ + "/documents/" + sha256 + ".json: found another content");
  return text;
}

std::vector<std::string> Store::layer_directories(const Image& image, const std::vector<std::string>& diff_ids) const {
  std::vector<std::string> directories;
  // The layer of an imported directory is not called by its diff_id, so its place tells.
  const bool by_place = image.layers.size() == diff_ids.size();
  for (std::size_t i = 0; i < diff_ids.size(); ++i) {
    const std::string name =
        by_place ? image.layers[diff_ids.size() - 1 - i] : Staging::layer_name(hex_of(diff_ids[i]));
    directories.push_back(layers_directory() + "/" + name);
  }
  return directories;
}

Status Store::remove(const std::string& name, const std::vector<std::string>& in_use) {
  METE_TRY(const std::string normal, normalize_name(name));
  METE_TRY(Staging staging, Staging::begin(directory_, Wait::kYes));
  const std::string path = directory_ + "/images/" + record_file(normal);
  if (::unlink(path.c_str()) != 0) {
    if (errno != ENOENT) return fail_errno("remove " + path);
    return tl::unexpected(Error{ENOENT, "image \"" + name + "\": not in the store " + directory_});
  }
  return remove_unused(staging, *this, in_use);
}

Result<Removal> Store::remove_reference(const std::string& reference, const std::vector<ImageUser>& users, bool force) {
  METE_TRY(Staging staging, Staging::begin(directory_, Wait::kYes));
  METE_TRY(const auto images, list());
  METE_TRY(Removal removal, plan_removal(images, reference, users, force));
  METE_TRY(const std::size_t found, choose_reference(images, reference));
  std::vector<std::string> names = removal.names;
  if (removal.nameless) {
    Image image = images[found];
    image.name = nameless(image.id);
    METE_CHECK(staging.commit(image));
  } else if (!removal.stays) {
    names.push_back(nameless(removal.id));
  }
  for (const std::string& name : names) {
    const std::string path = directory_ + "/images/" + record_file(name);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + path);
  }
  std::vector<std::string> in_use;
  for (const ImageUser& user : users) in_use.insert(in_use.end(), user.layers.begin(), user.layers.end());
  METE_CHECK(remove_unused(staging, *this, in_use));
  return removal;
}

Status Store::prune(const std::vector<std::string>& in_use) {
  auto staging = Staging::begin(directory_, Wait::kNo);
  // The holder of the lock is changing the layers; a later prune() removes them.
  if (!staging && staging.error().code == EWOULDBLOCK) return {};
  if (!staging) return tl::unexpected(std::move(staging.error()));
  return remove_unused(*staging, *this, in_use);
}

Result<Store::UserFiles> Store::user_files(const Image& image) const {
  std::vector<std::string> layers;
  layers.reserve(image.layers.size());
  for (const std::string& layer : image.layers) layers.push_back(layers_directory() + "/" + layer);
  METE_TRY(const MergedView view, MergedView::open(layers));
  UserFiles files;
  METE_TRY(files.passwd, view.text("etc/passwd"));
  METE_TRY(files.group, view.text("etc/group"));
  return files;
}

}  // namespace mete::runtime::image
