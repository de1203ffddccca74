// SPDX-License-Identifier: Apache-2.0
// The folders of specifications of the Container Device Interface.
#pragma once

#include <string>
#include <vector>

#include "config/model/cdi.h"

namespace mete::agent {

// What changes when a file of these folders does: without a look into the files.
[[nodiscard]] std::string cdi_folders_text(const std::vector<std::string>& folders);

struct CdiFolders {
  std::vector<config::CdiSpec> specs;  // a later folder has the higher priority
  std::vector<std::string> faults;     // of the files that are left out: where and what
};
// Reads all files *.json and *.yaml. A folder that is missing has none.
[[nodiscard]] CdiFolders read_cdi_folders(const std::vector<std::string>& folders);

}  // namespace mete::agent
