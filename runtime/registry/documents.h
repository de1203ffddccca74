// SPDX-License-Identifier: Apache-2.0
// Manifests as registries give and take them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/image/image_documents.h"

namespace mete::runtime::registry {

// Of a request for a manifest. All four: registry 2.8 says 404 of a type that is not named.
inline constexpr const char* kAcceptManifests =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

inline constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* kOciLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

// The type of a manifest: what its own `mediaType` says, which has to be that of the answer's Content-Type. The error:
// they differ, or it is no manifest and no index of an image (those of version 1 are refused by name).
[[nodiscard]] Result<std::string> manifest_type(std::string_view text, std::string_view content_type);

// The manifest of an index for this machine, without those of attestations.
[[nodiscard]] Result<image::Descriptor> choose_from_index(std::string_view text);

// OCI's name of docker's type of a layer; others stay.
[[nodiscard]] std::string oci_layer_type(const std::string& type);

// An OCI manifest. Equal values give equal bytes.
[[nodiscard]] std::string make_manifest(const image::Descriptor& config, const std::vector<image::Descriptor>& layers);

// The configuration with other diff_ids, lowest first; its history stays when it fits. `text` empty: it is made of the
// image's record.
[[nodiscard]] Result<std::string> make_config(std::string_view text, const image::Image& image,
                                              const std::vector<std::string>& diff_ids);

}  // namespace mete::runtime::registry
