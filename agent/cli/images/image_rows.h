// SPDX-License-Identifier: Apache-2.0
// Which images `mete images` and `mete image prune` mean, and how docker shows them. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/output/row_format.h"
#include "runtime/image/image.h"

namespace mete::agent::cli {

using ImageList = std::vector<runtime::image::Image>;

struct ImageFilters {
  std::optional<bool> dangling;
  std::vector<std::string> references;  // patterns of names; one has to fit
  std::vector<std::string> labels;      // NAME or NAME=VALUE; all have to fit
  std::vector<std::string> not_labels;
  std::optional<std::chrono::system_clock::time_point> before;  // made before
  std::optional<std::chrono::system_clock::time_point> since;   // made after
};

enum class FiltersOf { kList, kPrune };

// `words` are those of --filter: "dangling=true", "reference=a*:1", "label=k=v", "before=IMAGE", "since=IMAGE", and of
// a prune "until=24h" or a time, "label!=k". Errors name the word.
[[nodiscard]] Result<ImageFilters> read_filters(const std::vector<std::string>& words, const ImageList& images,
                                                FiltersOf of);
[[nodiscard]] bool fits(const runtime::image::Image& image, const ImageFilters& filters);

// The newest first, as docker lists them.
void sort_as_docker(ImageList& images);

struct RowOptions {
  bool no_trunc = false;
  bool digests = false;
};
[[nodiscard]] nlohmann::ordered_json image_row(const runtime::image::Image& image, const RowOptions& options);
[[nodiscard]] std::vector<Column> image_columns(const RowOptions& options);

}  // namespace mete::agent::cli
