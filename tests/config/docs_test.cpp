// SPDX-License-Identifier: Apache-2.0
// Every YAML block of the documentation is what it says: manifests and agent.yaml are read without an error or a
// warning, so that whoever copies one gets what the page promises.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>

#include "config/model/agent_config.h"
#include "config/resolve/desired_state.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

struct Block {
  std::string page;
  int line = 0;  // of its first line
  std::string text;
};

// The fenced blocks of YAML.
std::vector<Block> yaml_blocks(const std::string& page) {
  std::vector<Block> blocks;
  std::istringstream text(read_source(page));
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (!inside && line == "```yaml") {
      inside = true;
      blocks.push_back({page, number + 1, ""});
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  EXPECT_FALSE(inside) << page << ": a block has no end";
  return blocks;
}

std::vector<Block> all_blocks() {
  std::vector<Block> blocks;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(METE_SOURCE_DIR) + "/docs")) {
    if (entry.path().extension() != ".md") continue;
    for (auto& block : yaml_blocks("docs/" + entry.path().filename().string())) blocks.push_back(std::move(block));
  }
  return blocks;
}

std::string first_word(const std::string& text) {
  return text.substr(0, text.find(':'));
}

// Files of others, which their own programs read.
constexpr std::array<std::string_view, 2> kOthers = {"scrape_configs", "services"};

void expect_manifest(const Block& block) {
  const auto documents = read_documents(block.text, block.page, block.line);
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  EXPECT_TRUE(documents.has_objects()) << block.page << ":" << block.line;
  const auto state = assemble({documents});
  EXPECT_TRUE(state.ok()) << joined(state.errors);
}

TEST(Docs, EveryYamlBlockIsRight) {
  std::map<std::string, int> kinds;
  for (const auto& block : all_blocks()) {
    const std::string first = first_word(block.text);
    const std::string place = block.page + ":" + std::to_string(block.line);
    if (first == "apiVersion") {
      ++kinds["manifest"];
      expect_manifest(block);
    } else if (std::find(kOthers.begin(), kOthers.end(), first) == kOthers.end()) {
      ++kinds["agent.yaml"];
      const auto read = read_agent_config(block.text, place);
      EXPECT_TRUE(read.errors.empty()) << joined(read.errors);
    }
  }
  EXPECT_GE(kinds["manifest"], 15);
  EXPECT_GE(kinds["agent.yaml"], 3);
}

// What stands beside each other in docs/moving.md says the same.
TEST(Docs, TheMovedComposeServiceHasItsLimits) {
  const auto blocks = yaml_blocks("docs/moving.md");
  const auto at = std::find_if(blocks.begin(), blocks.end(),
                               [](const Block& each) { return each.text.find("kind: Pod") != std::string::npos; });
  ASSERT_NE(at, blocks.end());
  const auto documents = read_documents(at->text, at->page);
  ASSERT_EQ(documents.pods.size(), 1U);
  const auto state = assemble({documents});
  ASSERT_EQ(state.pods.size(), 1U);
  ASSERT_TRUE(state.pods[0]->policy.has_value()) << "the policy selects the pod";
  const auto& pod = documents.pods[0].spec;
  EXPECT_EQ(pod.containers[0].resources.limits.memory, Bytes(256 << 20));
  EXPECT_EQ(pod.containers[0].resources.limits.cpu, MilliCpu(500));
  EXPECT_EQ(pod.containers[0].resources.requests.memory, Bytes(128 << 20));
  EXPECT_TRUE(pod.host_network);
}

}  // namespace
}  // namespace mete::config
