// SPDX-License-Identifier: Apache-2.0
// What --for of `mete wait` asks of an object, in kubectl's words. Pure.
#pragma once

#include <optional>
#include <string>

#include "agent/cli/objects/json_path.h"

namespace mete::agent::cli {

struct Wish {
  enum class Kind { kCondition, kCreate, kDelete, kPath } kind = Kind::kCondition;
  std::string name = {};              // of the condition
  std::string value = {};             // "True", or what stands at the path; empty: anything
  std::optional<JsonPath> path = {};  // kPath
};

// "condition=Ready", "condition=Ready=false", "create", "delete", "jsonpath={.status.phase}=Running".
[[nodiscard]] Result<Wish> parse_wish(const std::string& text);

// `object`: in the shape of Kubernetes' API; null: there is none. A condition that was found before the object's last
// change says nothing of it, as for kubectl (observedGeneration).
[[nodiscard]] bool is_granted(const Wish& wish, const nlohmann::ordered_json& object);

}  // namespace mete::agent::cli
