// SPDX-License-Identifier: Apache-2.0
// The fields of agent.yaml as a flat list, for its manual page. From the tables of the reader, like the JSON Schemas.
#pragma once

#include <string>
#include <vector>

namespace mete::config {

struct FieldLine {
  std::string path;  // "machine.ioCost[].read.latency"
  std::string type;  // "duration", "signal|exec", "list of text", "object"
  std::string doc;   // one sentence without a full stop
  bool required = false;
};

[[nodiscard]] std::vector<FieldLine> agent_field_list();

}  // namespace mete::config
