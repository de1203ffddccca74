// SPDX-License-Identifier: Apache-2.0
// A layer of the store as a tar archive again. The same layer gives the same bytes on every
// machine: names in order, no times but those of the files, and no names of users.
#pragma once

#include <cstdint>
#include <string>

#include "config/base/result.h"

namespace mete::runtime::image {

struct LayerTar {
  std::string diff_id;  // of the tar
  std::string digest;   // of the bytes that were written
  std::int64_t size = 0;
};

enum class Packing { kGzip, kNone };

// `layer` is its directory, `out` an empty file. Sockets and devices are left out: tar
// has no sockets, and an image no devices.
[[nodiscard]] Result<LayerTar> write_layer_tar(const std::string& layer, int out, Packing packing = Packing::kGzip);

// The diff_id that write_layer_tar() would return; writes and compresses nothing.
[[nodiscard]] Result<std::string> layer_diff_id(const std::string& layer);

}  // namespace mete::runtime::image
