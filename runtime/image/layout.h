// SPDX-License-Identifier: Apache-2.0
// Images as files: an OCI image layout, or what `docker save` writes, in a directory. Its names are resolved with the
// directory as "/", so links in it lead nowhere else.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {

class Layout {
 public:
  // `shown`: what the directory is called in errors (the archive that it was unpacked from).
  [[nodiscard]] static Result<Layout> open(const std::string& directory, const std::string& shown);

  [[nodiscard]] bool has(const std::string& path) const;
  [[nodiscard]] Result<UniqueFd> file(const std::string& path) const;  // a regular file
  [[nodiscard]] Result<std::string> text(const std::string& path) const;
  // Of a JSON document: size and digest are those of the descriptor.
  [[nodiscard]] Result<std::string> blob(const Descriptor& descriptor) const;
  [[nodiscard]] static std::string blob_path(const Descriptor& descriptor);
  [[nodiscard]] std::string shown(const std::string& path) const { return shown_ + ": " + path; }

 private:
  Layout(UniqueFd root, std::string shown) : root_(std::move(root)), shown_(std::move(shown)) {}
  UniqueFd root_;
  std::string shown_;
};

// The one image that is for this machine, or of several the one of this name.
[[nodiscard]] Result<Image> import_layout(Staging& staging, const Layout& layout, const std::string& name);

// "amd64" on x86_64: as Go calls this machine.
[[nodiscard]] std::string machine_architecture();

// Which of an OCI layout's manifests.
[[nodiscard]] Result<Descriptor> choose_manifest(const Layout& layout, const std::string& name);

}  // namespace mete::runtime::image
