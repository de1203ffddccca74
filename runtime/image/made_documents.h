// SPDX-License-Identifier: Apache-2.0
// Documents of images that are made here: for a registry, for an archive. Pure. Equal values give equal bytes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/image/image_documents.h"

namespace mete::runtime::image {

inline constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* kOciLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr const char* kOciPlainLayer = "application/vnd.oci.image.layer.v1.tar";

// OCI's name of docker's type of a layer; others stay.
[[nodiscard]] std::string oci_layer_type(const std::string& type);

// An OCI manifest.
[[nodiscard]] std::string make_manifest(const Descriptor& config, const std::vector<Descriptor>& layers);

// The configuration with other diff_ids, lowest first; its history stays when it fits. `text` empty: it is made of the
// image's record.
[[nodiscard]] Result<std::string> make_config(std::string_view text, const Image& image,
                                              const std::vector<std::string>& diff_ids);

// "2024-02-29T12:34:56Z"
[[nodiscard]] std::string document_time(std::chrono::system_clock::time_point at);

}  // namespace mete::runtime::image
