// SPDX-License-Identifier: Apache-2.0
// What a container wrote (the upper directory of its overlay) as a layer of the store. Whiteouts and opaque
// directories stay in overlayfs' form, in which the store keeps them. What no layer can hold is left out: sockets,
// devices and overlayfs' own notes about lower files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

struct UpperOptions {
  // Seconds since the epoch: later times become this one (SOURCE_DATE_EPOCH). Not set: times stay.
  std::optional<std::int64_t> latest;
  // Is told the path ("dev/x") of each device node that clean_upper removes. May be empty.
  std::function<void(const std::string& path)> on_device;
};

// Makes `upper` itself a layer. Nothing has it mounted any more. Times are cut to seconds, as in all tools' layers.
// Errors: a name that starts with ".wh.", which a layer's archive could not tell from a whiteout; a file of which
// overlayfs wrote a part only (redirect_dir, metacopy).
[[nodiscard]] Status clean_upper(const std::string& upper, const UpperOptions& options);

// Copies `upper`, which may be mounted and in use, as a layer. The same errors. The caller calls layer.finish().
[[nodiscard]] Status copy_upper(const std::string& upper, LayerWriter& layer, Budget& budget,
                                const UpperOptions& options = {});

// True: the layer changes nothing at all.
[[nodiscard]] Result<bool> is_empty_layer(const std::string& layer);

}  // namespace mete::runtime::image
