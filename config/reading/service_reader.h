// SPDX-License-Identifier: Apache-2.0
// The table and the reader of Services. Internal to config/.
#pragma once

#include "config/model/service.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kServiceSpec;

// Of a whole object whose shape was checked.
[[nodiscard]] Service read_service(const View& view);

}  // namespace mete::config
