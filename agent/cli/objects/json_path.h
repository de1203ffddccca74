// SPDX-License-Identifier: Apache-2.0
// kubectl's JSONPath templates (https://kubernetes.io/docs/reference/kubectl/jsonpath/):
//
//   {.metadata.name}  {.items[*].status.podIP}  {.a['b.c']}  {..image}  {.list[0,2]}  {.list[-1:]}  {.list[::2]}
//   {.items[?(@.status.phase=="Running")].metadata.name}   {range .items[*]}{.metadata.name}{"\n"}{end}
//
// Text outside of braces stands for itself. What one pair of braces finds is joined by blanks; a string is written
// without quotes, a list or an object as JSON. A path that is not there gives nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

class JsonPath {
 public:
  using Json = nlohmann::ordered_json;

  // The error says what was found where.
  [[nodiscard]] static Result<JsonPath> parse(std::string_view text);
  [[nodiscard]] std::string fill(const Json& value) const;
  // What the first pair of braces finds, each as text. For templates of one path.
  [[nodiscard]] std::vector<std::string> values(const Json& value) const;

  struct Node;

 private:
  std::shared_ptr<const std::vector<Node>> nodes_;
};

}  // namespace mete::agent::cli
