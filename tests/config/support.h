// SPDX-License-Identifier: Apache-2.0
// Short hands for tests that read manifests.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {

inline std::string read_source(const std::string& path) {
  std::ifstream file(std::string(METE_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// A Pod with one container, `container` being more lines of it (each with its own 4 blanks) and `spec` more of the
// spec.
inline std::string pod_text(const std::string& container, const std::string& spec = "", const std::string& name = "p") {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
         "}\nspec:\n  containers:\n  - name: c\n    image: i\n" + container + spec;
}

inline std::vector<std::string> lines(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> all;
  for (const auto& diagnostic : diagnostics) all.push_back(to_string(diagnostic));
  return all;
}

inline std::string joined(const std::vector<Diagnostic>& diagnostics) {
  std::string all;
  for (const auto& line : lines(diagnostics)) all += line + "\n";
  return all;
}

// True when some diagnostic has this field and its message holds `part`.
inline bool has(const std::vector<Diagnostic>& diagnostics, std::string_view field, std::string_view part) {
  for (const auto& diagnostic : diagnostics) {
    if (diagnostic.field == field && diagnostic.message.find(part) != std::string::npos) return true;
  }
  return false;
}

// The one Pod of a right manifest.
inline Pod read_one(const std::string& text) {
  const auto documents = read_documents(text, "p.yaml");
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_EQ(documents.pods.size(), 1U);
  return documents.pods.empty() ? Pod{} : documents.pods[0];
}

}  // namespace mete::config
