// SPDX-License-Identifier: Apache-2.0
// The parameter ?filters= of lists: {"name":["x"]} or {"name":{"x":true}}. An object matches when one of the values of
// each name fits; of labels all values must fit. Pure.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/docker/fields.h"
#include "enforcers/restart.h"

namespace mete::agent::docker {

class Filters {
 public:
  // The error: no JSON, or a name that is not among `known`; docker's words.
  [[nodiscard]] static Result<Filters> parse(const std::string& text, std::initializer_list<const char*> known);

  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  [[nodiscard]] std::vector<std::string> values(const std::string& name) const;
  // Whether one of the values fits; true where the filter is not given.
  [[nodiscard]] bool equals(const std::string& name, const std::string& value) const;
  [[nodiscard]] bool contains(const std::string& name, const std::string& value) const;
  // "key" and "key=value", all of them, and none of `label!`.
  [[nodiscard]] bool labels(const std::map<std::string, std::string>& labels) const;
  // `until`: what was made before. "1h30m" (ago), "1795897279", "2026-11-28T20:31:14Z". Empty: the filter is not given.
  [[nodiscard]] Result<std::optional<enforcers::WallTime>> until() const;
  // "true", "1", "false" or "0"; empty: it is not asked for.
  [[nodiscard]] Result<std::optional<bool>> truth(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// "1", "true", "True", "TRUE" and the like.
[[nodiscard]] bool is_true(const std::string& text);

}  // namespace mete::agent::docker
