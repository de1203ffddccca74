// SPDX-License-Identifier: Apache-2.0
// The images of a layout, form by form.
#include <algorithm>

#include "runtime/image/archives/layout.h"
#include "runtime/image/sha256.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kMostImages = 1000;

Result<LayoutImage> image_of_manifest(const Layout& layout, const std::string& text) {
  METE_TRY(const Manifest manifest, parse_manifest(text));
  LayoutImage image;
  image.manifest_text = text;
  METE_TRY(image.config_text, layout.blob(manifest.config));
  for (const Descriptor& layer : manifest.layers)
    image.layers.push_back({layout.blob_path(layer), layer.digest, layer.size, "", layer.media_type});
  return image;
}

Result<LayoutImage> image_of_descriptor(const Layout& layout, const Descriptor& descriptor) {
  METE_TRY(const std::string text, layout.blob(descriptor));
  return image_of_manifest(layout, text);
}

// The 64 digits in the name of a configuration: HEX.json, blobs/sha256/HEX, sha256:HEX. Empty: its name is no sum.
std::string sum_in_name(const std::string& path) {
  std::string sum = path.substr(path.find_last_of("/:") + 1);
  sum = sum.substr(0, sum.find('.'));
  return is_digest("sha256:" + sum) ? sum : "";
}

Result<LayoutImage> image_of_saved(const Layout& layout, const SavedImage& saved) {
  LayoutImage image;
  METE_TRY(image.config_text, layout.text(saved.config));
  const std::string sum = sum_in_name(saved.config);
  if (!sum.empty() && sha256_hex(image.config_text) != sum) {
    return fail(layout.shown(saved.config) + ": found content with the digest sha256:" + sha256_hex(image.config_text) +
                ", expected sha256:" + sum);
  }
  for (const std::string& layer : saved.layers) image.layers.push_back({layer, "", -1});
  for (const std::string& tag : saved.tags) {
    METE_TRY(std::string name, normalize_name(tag));
    image.names.push_back(std::move(name));
  }
  return image;
}

Result<std::vector<SavedImage>> saved_list(const Layout& layout) {
  METE_TRY(const std::string text, layout.text("manifest.json"));
  METE_TRY(auto images, parse_saved(text));
  if (images.empty()) return fail("manifest.json: found an empty list, expected images");
  return images;
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

Status each_saved_image(const Layout& layout, const std::function<Status(LayoutImage)>& use) {
  METE_TRY(const auto list, saved_list(layout));
  if (list.size() > kMostImages)
    return fail("manifest.json: found " + std::to_string(list.size()) + " images, expected at most " +
                std::to_string(kMostImages));
  for (const SavedImage& saved : list) {
    METE_TRY(LayoutImage image, image_of_saved(layout, saved));
    METE_CHECK(use(std::move(image)));
  }
  return {};
}

Status each_indexed_image(const Layout& layout, const std::function<Status(LayoutImage)>& use) {
  METE_TRY(const auto manifests, manifests_here(layout));
  // In the order of the index, each with all its names.
  std::vector<std::pair<const Descriptor*, std::vector<std::string>>> images;
  for (const Descriptor& each : manifests) {
    auto at = std::find_if(images.begin(), images.end(),
                           [&](const auto& image) { return image.first->digest == each.digest; });
    if (at == images.end()) at = images.insert(images.end(), {&each, {}});
    std::string name = name_of_reference(each.reference);
    if (!name.empty()) at->second.push_back(std::move(name));
  }
  for (auto& [descriptor, names] : images) {
    METE_TRY(LayoutImage image, image_of_descriptor(layout, *descriptor));
    image.names = std::move(names);
    METE_CHECK(use(std::move(image)));
  }
  return {};
}

// skopeo's dir: one manifest, or an index of several.
Result<std::string> flat_manifest(const Layout& layout) {
  METE_TRY(std::string text, layout.text("manifest.json"));
  if (parse_manifest(text)) return text;
  METE_TRY(const Descriptor chosen, choose_manifest(layout, ""));
  return layout.blob(chosen);
}

}  // namespace

Result<LayoutImage> image_of(const Layout& layout, const std::string& name) {
  switch (layout.form()) {
    case LayoutForm::kOci: {
      METE_TRY(const Descriptor chosen, choose_manifest(layout, name));
      return image_of_descriptor(layout, chosen);
    }
    case LayoutForm::kSaved: {
      METE_TRY(const auto list, saved_list(layout));
      METE_TRY(const SavedImage chosen, choose_saved(list, name));
      return image_of_saved(layout, chosen);
    }
    case LayoutForm::kFlat:
      break;
  }
  METE_TRY(const std::string text, flat_manifest(layout));
  return image_of_manifest(layout, text);
}

Status each_image_of(const Layout& layout, const std::function<Status(LayoutImage)>& use) {
  if (layout.form() == LayoutForm::kOci) return each_indexed_image(layout, use);
  if (layout.form() == LayoutForm::kSaved) return each_saved_image(layout, use);
  METE_TRY(LayoutImage image, image_of(layout, ""));
  return use(std::move(image));
}

}  // namespace mete::runtime::image
