// SPDX-License-Identifier: Apache-2.0
// Reads a specification of the Container Device Interface, YAML or JSON. Pure, and safe on any bytes, as
// yaml_reader.h. Versions 0.1.0 to 1.1.0; an unknown field is an error, as it is for the interface's own library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/model/cdi.h"
#include "config/model/documents.h"

namespace mete::config {

struct CdiSpecFile {
  CdiSpec spec;
  std::vector<Diagnostic> errors;  // when not empty, `spec` must not be used
};
[[nodiscard]] CdiSpecFile read_cdi_spec(std::string_view text, std::string_view file);

// "vendor.com/class": letters, digits, '.', '-' and '_', with a letter first and a letter or digit last in each part.
[[nodiscard]] Status check_cdi_kind(std::string_view kind);
// "vendor.com/class=name", where the name may begin with a digit and have ':', too. Not what begins with '/'.
[[nodiscard]] bool is_cdi_device(std::string_view text);

}  // namespace mete::config
