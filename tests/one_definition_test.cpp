// SPDX-License-Identifier: Apache-2.0
// A type of a namespace is defined in one file. Of two that have one name the linker keeps one constructor and one
// destructor for both, without a word (the one-definition rule of C++), and which one depends on the order of objects.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

// By "NAMESPACE::NAME" the files that define it. What stands in an anonymous namespace is of one file alone. Only
// definitions at the beginning of a line are seen, as clang-format leaves them in a namespace.
using Definitions = std::map<std::string, std::set<std::string>>;

void find_definitions(std::istream& in, const std::string& file, Definitions& found) {
  static const std::regex kOpens(R"(^namespace ?([\w:]*) ?\{$)");
  static const std::regex kCloses(R"(^\}  // namespace.*)");
  static const std::regex kDefines(R"(^(?:struct|class|union|enum|enum class) (\w+)(?: final)?(?: :[^:;].*| ?)\{.*)");
  std::vector<std::string> open;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kOpens)) {
      open.push_back(match[1]);
    } else if (std::regex_match(line, kCloses)) {
      if (!open.empty()) open.pop_back();
    } else if (std::regex_match(line, match, kDefines)) {
      std::string name;
      bool anonymous = open.empty();
      for (const auto& each : open) {
        anonymous = anonymous || each.empty();
        name += each + "::";
      }
      if (!anonymous) found[name + match[1].str()].insert(file);
    }
  }
}

TEST(OneDefinition, TwoOfOneNameAreFound) {
  Definitions found;
  std::istringstream first(
      "namespace a::b {\nstruct One {\n};\nclass Two : public One {\n};\nnamespace {\nstruct Own {};\n}  // "
      "namespace\n}  // namespace a::b\n");
  std::istringstream second(
      "namespace a::b {\nstruct One final {\nstruct One;\nnamespace {\nstruct Own {\n}  // namespace\n}  // namespace "
      "a::b\nstruct Two {\n");
  find_definitions(first, "first", found);
  find_definitions(second, "second", found);
  EXPECT_EQ(found["a::b::One"], (std::set<std::string>{"first", "second"}));
  EXPECT_EQ(found["a::b::Two"], (std::set<std::string>{"first"}));
  EXPECT_EQ(found.size(), 2U);
}

TEST(OneDefinition, EachTypeOfANamespaceIsDefinedInOneFile) {
  const std::filesystem::path root = METE_SOURCE_DIR;
  Definitions found;
  for (const auto& layer : {"config", "runtime", "collectors", "enforcers", "agent"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / layer)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream file(entry.path());
      find_definitions(file, entry.path().lexically_relative(root), found);
    }
  }
  EXPECT_GT(found.size(), 500U) << "the source tree was not found";
  for (const auto& [name, files] : found) {
    std::string list;
    for (const auto& file : files) list += " " + file;
    EXPECT_EQ(files.size(), 1U) << name << " is defined in" << list;
  }
}

}  // namespace
