// SPDX-License-Identifier: Apache-2.0
// The section `export` of agent.yaml.
#pragma once

#include "config/model/agent_config.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kExportSpec;

[[nodiscard]] ExportPolicy read_export(const View& view);

}  // namespace mete::config
