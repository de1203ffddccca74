// SPDX-License-Identifier: Apache-2.0
// Files of the repository that are made from tables in the code: a test says when one is old, and writes it when asked
// by METE_UPDATE_DOCS=1.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace mete::tests {

inline std::string source_text(const std::string& path) {
  std::ifstream file(std::string(METE_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void expect_file(const std::string& path, const std::string& text) {
  if (std::getenv("METE_UPDATE_DOCS") != nullptr) std::ofstream(std::string(METE_SOURCE_DIR) + "/" + path) << text;
  EXPECT_EQ(source_text(path), text) << path << " is old: run this test with METE_UPDATE_DOCS=1";
}

// The part of the file between the lines `<!-- NAME -->` and `<!-- end -->`.
inline void expect_section(const std::string& path, const std::string& name, const std::string& text) {
  std::string whole = source_text(path);
  const std::string first = "<!-- " + name + " -->\n";
  const auto start = whole.find(first);
  ASSERT_NE(start, std::string::npos) << path << " has no line " << first;
  const auto from = start + first.size();
  const auto end = whole.find("<!-- end -->\n", from);
  ASSERT_NE(end, std::string::npos) << path << " has no end of " << name;
  if (std::getenv("METE_UPDATE_DOCS") != nullptr)
    std::ofstream(std::string(METE_SOURCE_DIR) + "/" + path) << std::string(whole).replace(from, end - from, text);
  EXPECT_EQ(whole.substr(from, end - from), text) << path << " is old: run this test with METE_UPDATE_DOCS=1";
}

}  // namespace mete::tests
