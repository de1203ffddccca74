// SPDX-License-Identifier: Apache-2.0
// Folders are layers: a file may include its own layer and those before it, never one after it. Third-party libraries
// are seen by one folder each (design: "Folders are layers", ARCHITECTURE.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {

const std::vector<std::string> kLayers = {"config", "runtime", "collectors", "enforcers", "agent"};

// Include prefix -> the only layer that may use it.
const std::map<std::string, std::string> kOwners = {
    {"yaml-cpp/", "config"}, {"boost/", "agent"},   {"spdlog/", "agent"},     {"prometheus/", "agent"},
    {"CLI/", "agent"},    {"openssl/", "agent"},     {"zlib.h", "agent"},  {"crypt.h", "agent"},
          {"seccomp", "runtime"}, {"archive", "runtime"},
};

struct Include {
  std::string file;
  std::string layer;
  std::string target;
};

std::vector<Include> includes() {
  const std::regex line_pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> found;
  for (const auto& layer : kLayers) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(METE_SOURCE_DIR) + "/" + layer)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (std::regex_search(line, match, line_pattern)) found.push_back({entry.path(), layer, match[1]});
      }
    }
  }
  return found;
}

auto rank(const std::string& layer) { return std::find(kLayers.begin(), kLayers.end(), layer) - kLayers.begin(); }

TEST(Layering, NoIncludeGoesUpward) {
  const auto all = includes();
  ASSERT_GT(all.size(), 10U) << "the source tree was not found";
  for (const auto& include : all) {
    const std::string top = include.target.substr(0, include.target.find('/'));
    if (rank(top) == static_cast<std::ptrdiff_t>(kLayers.size())) continue;
    EXPECT_LE(rank(top), rank(include.layer)) << include.file << " includes " << include.target;
  }
}

TEST(Layering, EachLibraryIsSeenByOneFolder) {
  for (const auto& include : includes()) {
    for (const auto& [prefix, owner] : kOwners) {
      if (include.target.rfind(prefix, 0) == 0) {
        EXPECT_EQ(include.layer, owner) << include.file << " includes " << include.target;
      }
    }
  }
}

}  // namespace
