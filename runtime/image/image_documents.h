// SPDX-License-Identifier: Apache-2.0
// The JSON documents of images: those of image-spec 1.1, Docker's equivalents, and manifest.json of `docker save`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/image.h"

namespace mete::runtime::image {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  bool operator==(const Platform&) const = default;
};

struct Descriptor {
  std::string media_type;
  std::string digest;  // "sha256:" and 64 hexadecimal digits, checked
  std::int64_t size = 0;
  std::optional<Platform> platform;
  std::string reference;  // the image's name in annotations; may be empty
  bool is_attestation = false;
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // lowest first
};

struct ConfigDocument {
  ImageConfig config;
  Platform platform;
  std::vector<std::string> diff_ids;  // lowest first, as digests
  std::chrono::system_clock::time_point created;
};

struct SavedImage {
  std::string config;               // path in the archive
  std::vector<std::string> layers;  // paths in the archive, lowest first
  std::vector<std::string> tags;
};

[[nodiscard]] Result<std::vector<Descriptor>> parse_index(std::string_view text);
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text);
[[nodiscard]] Result<ConfigDocument> parse_config(std::string_view text);
[[nodiscard]] Result<std::vector<SavedImage>> parse_saved(std::string_view text);

[[nodiscard]] bool is_index_type(std::string_view media_type);
[[nodiscard]] bool is_manifest_type(std::string_view media_type);
[[nodiscard]] bool is_config_type(std::string_view media_type);
[[nodiscard]] bool is_layer_type(std::string_view media_type);
[[nodiscard]] bool is_digest(std::string_view digest);

}  // namespace mete::runtime::image
