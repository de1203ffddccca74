// SPDX-License-Identifier: Apache-2.0
// A node of a manifest with its field path and the place where errors are reported. The readers access manifests
// through views. A getter returns its default for an unfit value: shape.h has already reported the value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/base/result.h"
#include "config/model/documents.h"
#include "config/reading/yaml/scalar.h"
#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {

// The document that is being read, and the list of its diagnostics.
struct Report {
  Documents& out;
  std::string file;
  std::string object;  // "Pod default/web"
};

struct Complaint {
  std::string message;
  std::string found = {};
  std::string expected = {};
  std::string suggestion = {};
  bool not_acted_on = false;
};

class View {
 public:
  View(const YamlNode* node, std::string path, Report& report)
      : node_(node), path_(std::move(path)), report_(&report) {}

  // False for a missing value and for null, which mean the same in Kubernetes.
  explicit operator bool() const { return node_ != nullptr && scalar_type_or_container() != ScalarType::kNull; }
  [[nodiscard]] const YamlNode& node() const { return *node_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Report& report() const { return *report_; }
  [[nodiscard]] Location location() const;

  [[nodiscard]] View operator[](std::string_view name) const;
  [[nodiscard]] std::vector<View> items() const;                            // empty unless a list
  [[nodiscard]] std::vector<std::pair<std::string, View>> entries() const;  // empty unless a mapping

  [[nodiscard]] std::string text(std::string_view fallback = {}) const;
  [[nodiscard]] bool boolean(bool fallback = false) const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::vector<std::string> texts() const;

  void error(Complaint complaint) const;
  void warn(Complaint complaint) const;
  // When `status` has an error, reports it with the found value.
  void check(const Status& status) const;

 private:
  [[nodiscard]] ScalarType scalar_type_or_container() const;
  [[nodiscard]] Diagnostic diagnostic(Complaint complaint) const;

  const YamlNode* node_;
  std::string path_;
  Report* report_;
};

// "spec" + "containers" -> "spec.containers"; names with other characters become ['like/this'].
[[nodiscard]] std::string join_path(const std::string& parent, std::string_view name);

// A Complaint "found X, expected Y".
[[nodiscard]] Complaint mismatch(std::string found, std::string expected);

// Parses the value with `parse`. Empty when the value is missing, unfit or malformed; the shape check has reported
// that.
template <class Parse>
auto read_with(const View& view, Parse parse)
    -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
  if (!view || view.node().kind != YamlNode::Kind::kScalar) return std::nullopt;
  auto value = parse(std::string_view(view.node().text));
  if (!value) return std::nullopt;
  return *value;
}

}  // namespace mete::config
