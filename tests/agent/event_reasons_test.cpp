// SPDX-License-Identifier: Apache-2.0
// The table of event reasons against the code, and docs/events.md against the table. After a change of the table:
//   METE_UPDATE_DOCS=1 build/dev/bin/agent_tables_test --gtest_filter='EventReasons.*'
#include "agent/base/event_reasons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "tests/support/generated_text.h"

namespace mete::agent {
namespace {

// The text of every source of the agent, without comments, by its path.
const std::map<std::string, std::string>& sources() {
  static const std::map<std::string, std::string> all = [] {
    std::map<std::string, std::string> found;
    const std::filesystem::path root(METE_SOURCE_DIR);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "agent")) {
      const auto path = entry.path().lexically_relative(root).string();
      if ((!path.ends_with(".cpp") && !path.ends_with(".h")) || path.find("event_reasons") != std::string::npos)
        continue;
      std::string text;
      std::istringstream lines(tests::source_text(path));
      for (std::string line; std::getline(lines, line);) text += line.substr(0, line.find("//")) + " ";
      found[path] = std::move(text);
    }
    return found;
  }();
  return all;
}

bool is_reason(const std::string& word) {
  const auto rows = event_reasons();
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.name == word; });
}

// The texts at the places where code names an event's reason: behind `.reason =`, behind a severity, as the third
// argument of Incident::finish, and behind `waiting_reason =`.
std::set<std::string> reasons_in(const std::string& text) {
  static const std::regex kPlace(
      R"((?:\.reason = |Severity::k(?:Normal|Warning),\s|waiting_reason = |finish\(\s*outcome,[^,;]*,)([^,;]*))");
  static const std::regex kWord("\"([A-Z][A-Za-z]+)\"");
  std::set<std::string> words;
  for (std::sregex_iterator at(text.begin(), text.end(), kPlace), end; at != end; ++at) {
    const std::string place = (*at)[1];
    for (std::sregex_iterator word(place.begin(), place.end(), kWord); word != end; ++word) words.insert((*word)[1]);
  }
  return words;
}

TEST(EventReasons, EveryOneInTheCodeIsInTheTable) {
  for (const auto& [path, text] : sources()) {
    // Why a container ended is no event's reason: that one is `Exited`.
    // Reasons of ends and of conditions.
    static const std::set<std::string> kEnds = {"PolicyKilled",
                                                "StartError",
                                                "Completed",
                                                "Error",
                                                "PodCompleted",
                                                "PodFailed",
                                                "ContainersNotReady",
                                                "ContainersNotInitialized",
                                                "RestartAllContainersStarted"};
    for (const auto& word : reasons_in(text)) {
      EXPECT_TRUE(is_reason(word) || kEnds.contains(word))
          << path << ": \"" << word << "\" has no row in event_reasons";
    }
  }
  EXPECT_EQ(reasons_in(R"(pod_.tell(done ? Severity::kNormal : Severity::kWarning, up ? "Unheard" : "Of", text);)"),
            (std::set<std::string>{"Unheard", "Of"}));
  EXPECT_EQ(reasons_in(R"(events.add({.reason = "Unheard", .message = text});)"), (std::set<std::string>{"Unheard"}));
  EXPECT_EQ(reasons_in(R"(told.finish(outcome, "raise", done ? "Unheard" : "Of", text);)"),
            (std::set<std::string>{"Unheard", "Of"}));
}

TEST(EventReasons, EveryOneInTheTableIsInTheCode) {
  for (const auto& row : event_reasons()) {
    const std::string name(row.name);
    const bool used = std::any_of(sources().begin(), sources().end(), [&](const auto& source) {
      const std::string& text = source.second;
      return text.find("Reason::k" + name) != std::string::npos || text.find('"' + name + '"') != std::string::npos;
    });
    EXPECT_TRUE(used) << name << " is no event's reason any more";
    EXPECT_EQ(name_of(row.reason), name);
    EXPECT_TRUE(row.meaning.ends_with('.')) << name;
  }
}

TEST(EventReasons, DocsAreCurrent) {
  tests::expect_file("docs/events.md", event_reasons_page());
}

}  // namespace
}  // namespace mete::agent
