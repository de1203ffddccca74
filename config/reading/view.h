// SPDX-License-Identifier: Apache-2.0
// A node of a manifest together with its field path and where to report what is wrong with it. The readers see
// manifests through this. Getters give the default on anything unfit: shape.h has already reported that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/documents.h"
#include "config/reading/scalar.h"
#include "config/reading/yaml_tree.h"
#include "config/result.h"

namespace mete::config {

// What one document's reading is about, and where its diagnostics go.
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
};

class View {
 public:
  View(const YamlNode* node, std::string path, Report& report)
      : node_(node), path_(std::move(path)), report_(&report) {}

  // False for what is missing or null, which to Kubernetes is the same.
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
  // `error` with what stands here, when `status` has one.
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

// "found X, expected Y" as Complaint.
[[nodiscard]] Complaint mismatch(std::string found, std::string expected);

// Reads with `parse`, which takes text. Empty when missing, unfit or wrong, which the shape's check has reported.
template <class Parse>
auto read_with(const View& view, Parse parse)
    -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
  if (!view || view.node().kind != YamlNode::Kind::kScalar) return std::nullopt;
  auto value = parse(std::string_view(view.node().text));
  if (!value) return std::nullopt;
  return *value;
}

}  // namespace mete::config
