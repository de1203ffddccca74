// SPDX-License-Identifier: Apache-2.0
// What is known of a layer besides its files, kept beside it (notes/LAYER.json): the tar that it was unpacked from, and
// the blobs in which registries have it. The store keeps no blob; with these digests an unchanged layer need not travel
// again. With the size of its files it need not be walked through for each image that has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::image {

struct LayerBlob {
  std::string media_type;
  std::string digest;
  std::int64_t size = 0;
  std::string diff_id;               // of the tar in it; another one than the layer's own when the tar was made anew
  std::vector<std::string> sources;  // HOST/REPOSITORY in which it was seen, the latest last
  bool operator==(const LayerBlob&) const = default;
};

struct LayerNote {
  std::string diff_id;  // "sha256:..." of the tar that it was unpacked from; empty: it was a directory
  std::vector<LayerBlob> blobs;
  std::optional<std::int64_t> size = {};  // bytes of its files (tree_size); none: nobody has added them up yet
  bool operator==(const LayerNote&) const = default;
};

[[nodiscard]] std::string to_text(const LayerNote& note);
[[nodiscard]] Result<LayerNote> parse_note(std::string_view text);
// Adds the blob, or its source to the blob that is there.
void remember(LayerNote& note, const LayerBlob& blob);

// A layer without a note has an empty one. An unreadable note is none: it saves work and holds nothing else.
[[nodiscard]] LayerNote read_note(const std::string& store, const std::string& layer);
[[nodiscard]] Status write_note(const std::string& store, const std::string& layer, const LayerNote& note);

}  // namespace mete::runtime::image
