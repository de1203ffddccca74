// SPDX-License-Identifier: Apache-2.0
// The rows of `docker history`. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/cli/output/row_format.h"

namespace mete::agent::cli {

struct HistoryForm {
  bool human = true;
  bool no_trunc = false;
};

// `config` is the image's configuration, `sizes` those of its layers, lowest first. The latest step comes first; the
// steps below it have no id of their own. A configuration without a history has one row for each layer.
[[nodiscard]] nlohmann::ordered_json history_rows(const nlohmann::ordered_json& config, const std::string& id,
                                                  const std::vector<std::int64_t>& sizes, const HistoryForm& form);
[[nodiscard]] std::vector<Column> history_columns();

}  // namespace mete::agent::cli
