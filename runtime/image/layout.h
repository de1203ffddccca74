// SPDX-License-Identifier: Apache-2.0
// Images as files in a directory: an OCI image layout or the output of `docker save`. Names are resolved with the
// directory as "/", so links in it cannot lead out.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {

class Layout {
 public:
  // `shown` names the directory in errors (the archive that it was unpacked from).
  [[nodiscard]] static Result<Layout> open(const std::string& directory, const std::string& shown);

  [[nodiscard]] bool has(const std::string& path) const;
  [[nodiscard]] Result<UniqueFd> file(const std::string& path) const;  // a regular file
  [[nodiscard]] Result<std::string> text(const std::string& path) const;
  // Text of a JSON document, after its size and digest were compared with the descriptor.
  [[nodiscard]] Result<std::string> blob(const Descriptor& descriptor) const;
  [[nodiscard]] static std::string blob_path(const Descriptor& descriptor);
  [[nodiscard]] std::string shown(const std::string& path) const { return shown_ + ": " + path; }

 private:
  Layout(UniqueFd root, std::string shown) : root_(std::move(root)), shown_(std::move(shown)) {}
  UniqueFd root_;
  std::string shown_;
};

// Whether an image of so many layers can run here.
[[nodiscard]] Status check_image(const ConfigDocument& document, std::size_t layers);

// Imports the only image for this machine, or, of several, the one called `name`.
[[nodiscard]] Result<Image> import_layout(Staging& staging, const Layout& layout, const std::string& name);

// Go's name of this machine's architecture: "amd64" on x86_64.
[[nodiscard]] std::string machine_architecture();

// Chooses the manifest for linux on this machine among those of an index, all of which have a platform.
[[nodiscard]] Result<Descriptor> choose_platform(std::vector<Descriptor> found, const std::string& name);
// Chooses one of an OCI layout's manifests: for linux on this machine, preferring the name.
[[nodiscard]] Result<Descriptor> choose_manifest(const Layout& layout, const std::string& name);

}  // namespace mete::runtime::image
