// SPDX-License-Identifier: Apache-2.0
// Reads the manifests that registries send. Pure. made_documents.h writes the manifests that a push sends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/made_documents.h"

namespace mete::runtime::registry {

// Of a request for a manifest. All four: registry 2.8 says 404 of a type that is not named.
inline constexpr const char* kAcceptManifests =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

using image::kOciConfig;
using image::kOciLayer;
using image::kOciManifest;
using image::make_config;
using image::make_manifest;
using image::oci_layer_type;

// The type of a manifest: what its own `mediaType` says, which has to be that of the answer's Content-Type. The error:
// they differ, or it is no manifest and no index of an image (those of version 1 are refused by name).
[[nodiscard]] Result<std::string> manifest_type(std::string_view text, std::string_view content_type);

// The manifest of an index for this machine, without those of attestations.
[[nodiscard]] Result<image::Descriptor> choose_from_index(std::string_view text);

}  // namespace mete::runtime::registry
