// SPDX-License-Identifier: Apache-2.0
// The agent's PromQL as a program, for builtin_alerts_promql_test.py. From standard input, a line each:
//   rule NAME<TAB>EXPRESSION    all rules come first
//   clear                       a new machine
//   scrape MS                   text 0.0.4 follows, up to a line "."
//   evaluate MS                 prints NAME<TAB>{labels}<TAB>VALUE for each result of each rule, then "."
#include <cstdio>
#include <iostream>
#include <memory>

#include "collectors/promql/evaluate.h"

namespace {

using namespace mete::collectors::promql;  // NOLINT

struct Rule {
  std::string name;
  ExpressionPtr expression;
};

std::unique_ptr<SampleStore> make_store(const std::vector<Rule>& rules) {
  std::vector<const Selector*> selectors;
  for (const auto& rule : rules) {
    for (const auto* each : selectors_of(*rule.expression)) selectors.push_back(each);
  }
  return std::make_unique<SampleStore>(selectors, std::vector<std::string_view>{}, Labels{});
}

std::string text_of(const Labels& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels)
    text.append(text.size() > 1 ? ", " : "").append(name).append("=\"").append(value).append("\"");
  return text + "}";
}

void evaluate_all(const std::vector<Rule>& rules, SampleStore& store, Time at) {
  Recorded recorded;
  for (const auto& rule : rules) {
    auto result = evaluate_rule(*rule.expression, {store, recorded, at, 0});
    if (!result) {
      std::printf("%s\terror\t%s\n", rule.name.c_str(), result.error().what.c_str());
      continue;
    }
    for (const auto& point : *result)
      std::printf("%s\t%s\t%.17g\n", rule.name.c_str(), text_of(store.labels().labels(point.labels)).c_str(),
                  point.value);
    recorded[rule.name] = std::move(*result);
  }
  std::printf(".\n");
  std::fflush(stdout);
}

std::string text_up_to_point() {
  std::string text;
  for (std::string line; std::getline(std::cin, line) && line != ".";) text += line + "\n";
  return text;
}

}  // namespace

int main() {
  std::vector<Rule> rules;
  std::unique_ptr<SampleStore> store;
  for (std::string line; std::getline(std::cin, line);) {
    const std::string word = line.substr(0, line.find(' '));
    const std::string rest = line.substr(std::min(line.size(), word.size() + 1));
    if (word == "rule") {
      const auto tab = rest.find('\t');
      auto parsed = parse(rest.substr(tab + 1));
      if (!parsed) {
        std::fprintf(stderr, "%s: %s\n", rest.c_str(), parsed.error().what.c_str());
        return 1;
      }
      rules.push_back({rest.substr(0, tab), std::move(*parsed)});
      continue;
    }
    if (!store || word == "clear") store = make_store(rules);
    if (word == "scrape") {
      store->begin(Lane::kRead, std::stoll(rest));
      store->add_text(text_up_to_point());
      (void)store->end();
    } else if (word == "evaluate") {
      evaluate_all(rules, *store, std::stoll(rest));
    }
  }
  return 0;
}
