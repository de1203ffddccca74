// SPDX-License-Identifier: Apache-2.0
// docs/pod-fields.md has a row for each field of a Pod that the reader knows, and no others; the test that a row names
// exists.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "config/reading/fields.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

constexpr const char* kPage = "docs/pod-fields.md";
constexpr char kEndsOfName[] = {'}', ',', '\n'};  // of a manifest's metadata

struct Row {
  std::string mete;  // what mete does with it
  std::vector<std::string> tests;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream text(line);
  for (std::string cell; std::getline(text, cell, '|');) {
    const auto from = cell.find_first_not_of(' ');
    cells.push_back(from == std::string::npos ? "" : cell.substr(from, cell.find_last_not_of(' ') - from + 1));
  }
  return cells;
}

// All that stands in backticks.
std::vector<std::string> quoted_in(const std::string& text) {
  std::vector<std::string> found;
  for (std::size_t at = text.find('`'); at != std::string::npos; at = text.find('`', at + 1)) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string::npos) break;
    found.push_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  return found;
}

// | `FIELD` | the kubelet | mete | `TEST`, `TEST` |
std::map<std::string, Row> rows_of_page() {
  std::map<std::string, Row> rows;
  std::istringstream page(read_source(kPage));
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    const auto cells = cells_of(line);
    EXPECT_EQ(cells.size(), 5U) << kPage << ": " << line;
    if (cells.size() != 5) continue;
    const std::string field = quoted_in(cells[1]).front();
    EXPECT_FALSE(cells[2].empty() || cells[3].empty()) << kPage << ": " << field << ": a cell is empty";
    EXPECT_TRUE(rows.emplace(field, Row{cells[3], quoted_in(cells[4])}).second) << kPage << ": twice: " << field;
  }
  return rows;
}

// An object that is known from an earlier place (a readinessProbe after the livenessProbe, init containers after the
// containers) has one row.
class FieldWalk {
 public:
  std::map<std::string, FieldUse> fields;

  void add(const ObjectSpec& spec, const std::string& above) {
    for (const auto& field : spec.fields) {
      if (field.use == FieldUse::kIgnored) continue;
      const std::string path = above + std::string(field.name);
      const bool opened =
          field.object != nullptr && field.use == FieldUse::kActive && seen_.insert(field.object).second;
      if (opened) {
        add(*field.object, path + (field.type == FieldType::kObjectList ? "[]." : "."));
      } else {
        fields[path] = field.use;
      }
    }
  }

 private:
  std::set<const ObjectSpec*> seen_;
};

std::map<std::string, FieldUse> pod_fields() {
  FieldWalk walk;
  walk.add(kPodSpec, "");
  return walk.fields;
}

// "root/attach_test.py test_name", "env.yaml pod-name" of root/pods/manifests or "Suite.Name" of a test program.
bool test_exists(const std::string& name, const std::string& sources) {
  const auto space = name.find(' ');
  if (space != std::string::npos) {
    const std::string file = name.substr(0, space);
    const std::string found = name.substr(space + 1);
    if (!file.ends_with(".yaml")) return read_source("tests/" + file).find("def " + found + "(") != std::string::npos;
    const std::string manifests = read_source("tests/root/pods/manifests/" + file);
    return std::any_of(std::begin(kEndsOfName), std::end(kEndsOfName),
                       [&](char end) { return manifests.find("name: " + found + end) != std::string::npos; });
  }
  const auto dot = name.find('.');
  return dot != std::string::npos &&
         sources.find("(" + name.substr(0, dot) + ", " + name.substr(dot + 1) + ")") != std::string::npos;
}

std::string all_test_sources() {
  std::string all;
  const std::string root = std::string(METE_SOURCE_DIR) + "/";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root + "tests")) {
    if (entry.path().extension() == ".cpp") all += read_source(entry.path().string().substr(root.size()));
  }
  return all;
}

TEST(PodFieldTable, HasARowForEachFieldOfTheReader) {
  const auto fields = pod_fields();
  const auto rows = rows_of_page();
  for (const auto& [field, use] : fields) EXPECT_TRUE(rows.contains(field)) << kPage << " has no row for " << field;
  for (const auto& [field, row] : rows) EXPECT_TRUE(fields.contains(field)) << kPage << ": no field: " << field;
}

TEST(PodFieldTable, SaysWhatTheReaderDoes) {
  const auto fields = pod_fields();
  for (const auto& [field, row] : rows_of_page()) {
    const auto use = fields.find(field);
    if (use == fields.end()) continue;
    EXPECT_EQ(row.mete.starts_with("refused"), use->second == FieldUse::kRefused) << field << ": " << row.mete;
    EXPECT_EQ(row.mete.starts_with("no meaning"), use->second == FieldUse::kNoMeaning) << field << ": " << row.mete;
    EXPECT_EQ(row.mete.starts_with("a warning"), use->second == FieldUse::kInactive) << field << ": " << row.mete;
  }
}

TEST(PodFieldTable, NamesTestsThatExist) {
  const std::string sources = all_test_sources();
  for (const auto& [field, row] : rows_of_page()) {
    EXPECT_FALSE(row.tests.empty()) << field << " has no test";
    for (const auto& test : row.tests) EXPECT_TRUE(test_exists(test, sources)) << field << ": no such test: " << test;
  }
}

}  // namespace
}  // namespace mete::config
