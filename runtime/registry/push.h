// SPDX-License-Identifier: Apache-2.0
// Gives an image of the store to a registry: only the layers that it does not have, by a mount where another repository
// of that registry has them. A blob that the store knows by its digest, but does not keep, is fetched from where it was
// pulled; where that cannot be, the layer is packed anew, the same way each time (image/archives/layer_tar.h).
#pragma once

#include <string>

#include "runtime/registry/pull.h"

namespace mete::runtime::registry {

struct Pushed {
  std::string digest;  // of the manifest
  std::int64_t size = 0;
};

[[nodiscard]] Result<Pushed> push(image::Store& store, const Reference& reference, const Access& access,
                                  const OnLayer& on_layer);

// Whether a registry accepts what it is told. The error EACCES: it does not. Where the registry gives an identity
// token, that is no part of this.
[[nodiscard]] Status check_login(const std::string& host, const config::RegistryPolicy& policy, const Login& login);

}  // namespace mete::runtime::registry
