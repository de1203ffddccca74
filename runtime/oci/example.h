// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mete::runtime::oci {

// A config.json that runs a shell in all new namespaces, with the rights and masks that docker gives (`spec`).
[[nodiscard]] const char* example_config();

// What `features` prints (runtime-spec, features.md): what this build can do, whatever the machine.
[[nodiscard]] const char* features_text();

}  // namespace mete::runtime::oci
