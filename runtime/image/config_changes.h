// SPDX-License-Identifier: Apache-2.0
// Changes of an image's configuration in a Dockerfile's words (`mete import -c`, `mete commit -c`): CMD, ENTRYPOINT,
// ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::runtime::image {

// `config` is the object "config" of an image's configuration. Errors name the change.
[[nodiscard]] Status apply_changes(nlohmann::ordered_json& config, const std::vector<std::string>& changes);

}  // namespace mete::runtime::image
