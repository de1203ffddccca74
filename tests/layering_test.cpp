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

// Layers and the rooms within them, each of which uses only what stands before it. A folder that is not named here
// belongs to the nearest one above it that is.
const std::vector<std::string> kRooms = {
    "config/base",
    "config/values",
    "config/model",
    "config/resolve",
    "config/reading",  // with yaml/, fields/, schema/ and agent_yaml/
    "config/convert",
    "runtime",
    "runtime/build/language",
    "runtime/build",
    "collectors/kernel",
    "collectors/exposition",
    "collectors/promql",
    "collectors",  // with discovery/
    "collectors/metrics",
    "enforcers",
    "agent/base",
    "agent/self",
    "agent/http",
    "agent/etcd",
    "agent/probes",
    "agent/forensics",
    "agent/enforcement",
    "agent/networks",
    "agent/pods",
    "agent/workloads",
    "agent/services",
    "agent/foreign",
    "agent/machine",
    "agent/export",
    "agent/alerts",
    "agent/api",
    "agent/docker",
    "agent",
    "agent/cli",
};

// Include prefix -> the layer that alone may use it.
const std::map<std::string, std::string> kOwners = {
    {"yaml-cpp/", "config"}, {"boost/", "agent"},    {"spdlog/", "agent"}, {"prometheus/", "agent"},
    {"CLI/", "agent"},       {"openssl/", "agent"},  {"zlib.h", "agent"},  {"crypt.h", "agent"},
    {"seccomp", "runtime"},  {"archive", "runtime"}, {"curl/", "runtime"}, {"isa-l/", "runtime"},
};

struct Include {
  std::string file;  // from the root of the source tree
  std::string target;
};

std::string layer_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path[folder.size()] == '/' && path.compare(0, folder.size(), folder) == 0;
}

// The index of the room of `path`: the longest folder of kRooms that it is below. kRooms.size(): it is in none.
std::size_t room_of(const std::string& path) {
  std::size_t best = kRooms.size();
  for (std::size_t i = 0; i < kRooms.size(); ++i) {
    if (is_below(path, kRooms[i]) && (best == kRooms.size() || kRooms[i].size() > kRooms[best].size())) best = i;
  }
  return best;
}

std::vector<Include> includes() {
  const std::regex line_pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  const std::filesystem::path root = METE_SOURCE_DIR;
  std::vector<Include> found;
  for (const auto& layer : {"config", "runtime", "collectors", "enforcers", "agent"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / layer)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (std::regex_search(line, match, line_pattern))
          found.push_back({entry.path().lexically_relative(root), match[1]});
      }
    }
  }
  return found;
}

TEST(Layering, NoIncludeGoesUpward) {
  const auto all = includes();
  ASSERT_GT(all.size(), 10U) << "the source tree was not found";
  for (const auto& include : all) {
    const std::size_t target = room_of(include.target);
    if (target == kRooms.size()) continue;
    EXPECT_LE(target, room_of(include.file)) << include.file << " includes " << include.target;
  }
}

TEST(Layering, EveryRoomOfTheAgentIsNamedHere) {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(METE_SOURCE_DIR) + "/agent")) {
    if (!entry.is_directory()) continue;
    const std::string room = "agent/" + entry.path().filename().string();
    EXPECT_NE(std::find(kRooms.begin(), kRooms.end(), room), kRooms.end()) << room;
  }
}

TEST(Layering, EachLibraryIsSeenByOneFolder) {
  for (const auto& include : includes()) {
    for (const auto& [prefix, owner] : kOwners) {
      if (include.target.rfind(prefix, 0) == 0) {
        EXPECT_EQ(layer_of(include.file), owner) << include.file << " includes " << include.target;
      }
    }
  }
}

}  // namespace
