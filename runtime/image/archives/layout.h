// SPDX-License-Identifier: Apache-2.0
// Images as files in a directory, in one of the forms in which tools write them. Names are resolved with the directory
// as "/", so links in it cannot lead out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/archives/platforms.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {

enum class LayoutForm {
  kOci,    // oci-layout, index.json and blobs/sha256/HEX: OCI's image layout; docker 25 and later writes it, too
  kSaved,  // manifest.json lists images, configurations and layers under any names: docker, podman, crane, jib
  kFlat,   // manifest.json is a manifest or an index; blobs are HEX beside it: skopeo's "dir:"
};

class Layout {
 public:
  // `shown` names the directory in errors (the archive that it was unpacked from). The error: it has none of the forms.
  [[nodiscard]] static Result<Layout> open(const std::string& directory, const std::string& shown);

  [[nodiscard]] bool has(const std::string& path) const;
  [[nodiscard]] Result<UniqueFd> file(const std::string& path) const;  // a regular file
  [[nodiscard]] Result<std::string> text(const std::string& path) const;
  // Text of a JSON document, after its size and digest were compared with the descriptor.
  [[nodiscard]] Result<std::string> blob(const Descriptor& descriptor) const;
  [[nodiscard]] std::string blob_path(const Descriptor& descriptor) const;
  [[nodiscard]] LayoutForm form() const { return form_; }
  [[nodiscard]] std::string shown(const std::string& path) const { return shown_ + ": " + path; }

 private:
  Layout(UniqueFd root, std::string shown) : root_(std::move(root)), shown_(std::move(shown)) {}
  UniqueFd root_;
  std::string shown_;
  LayoutForm form_ = LayoutForm::kOci;
};

// Whether an image of so many layers can run here.
[[nodiscard]] Status check_image(const ConfigDocument& document, std::size_t layers);

struct LayerFile {
  std::string path;    // in the layout
  std::string digest;  // sha256 of the file; empty: not known
  std::int64_t size = -1;
  std::string diff_id = {};
  std::string media_type = {};
};

// An image of a layout, before its layers are read.
struct LayoutImage {
  std::string manifest_text;  // empty: there is none, as with `docker save`
  std::string config_text;
  std::vector<LayerFile> layers;   // lowest first; without diff_ids
  std::vector<std::string> names;  // normalized
};

// Gives all images for this machine to `use`, each once, and ends with its first error. One at a time: their documents
// are a stranger's and may be large. The error also: there is none, or there are more than a thousand.
[[nodiscard]] Status each_image_of(const Layout& layout, const std::function<Status(LayoutImage)>& use);
// The only image for this machine, or, of several, the one called `name`.
[[nodiscard]] Result<LayoutImage> image_of(const Layout& layout, const std::string& name);

// Brings the image's layers and documents into the store, and makes it visible as `name`.
[[nodiscard]] Result<Image> import_image_of(Staging& staging, const Layout& layout, LayoutImage source,
                                            const std::string& name);

// All manifests of the layout's index for linux on this machine; of one image in several variants the plainest.
[[nodiscard]] Result<std::vector<Descriptor>> manifests_here(const Layout& layout);
// Chooses one of them, preferring the name.
[[nodiscard]] Result<Descriptor> choose_manifest(const Layout& layout, const std::string& name);

}  // namespace mete::runtime::image
