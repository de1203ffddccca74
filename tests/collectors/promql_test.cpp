// SPDX-License-Identifier: Apache-2.0
// The part of PromQL that the alerts use. What Prometheus itself computes is compared in
// tests/peers/builtin_alerts_promql_test.py.
#include <gtest/gtest.h>

#include <cmath>

#include "collectors/promql/evaluate.h"
#include "collectors/promql/windows.h"

namespace mete::collectors::promql {
namespace {

constexpr Time kStep = 15'000;

std::string error_of(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? "" : parsed.error().what;
}

// A store of what `expressions` name, and their values as text: `{a="b"} 1.5` a line, sorted.
class Machine {
 public:
  explicit Machine(std::vector<std::string> expressions, std::int64_t speed = 1) {
    std::vector<const Selector*> selectors;
    for (const auto& text : expressions) {
      auto parsed = parse(text, speed);
      EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().what);
      if (!parsed) continue;
      expressions_[text] = std::move(*parsed);
      for (const auto* each : selectors_of(*expressions_[text])) selectors.push_back(each);
    }
    store_ = std::make_unique<SampleStore>(selectors, std::vector<std::string_view>{"counted_total"}, Labels{});
  }

  bool scrape(Time at, std::string_view text, Lane lane = Lane::kRead) {
    store_->begin(lane, at);
    store_->add_text(text);
    now_ = at;
    return store_->end();
  }

  std::string value(const std::string& text, Time at = -1) {
    const auto value = evaluate(*expressions_.at(text), {*store_, recorded_, at < 0 ? now_ : at, 1000});
    if (!value) return value.error().what;
    if (const auto* number = std::get_if<double>(&*value)) return shown(*number);
    std::vector<std::string> lines;
    for (const auto& point : std::get<Vector>(*value)) {
      std::string line = "{";
      for (const auto& [name, label] : store_->labels().labels(point.labels))
        line += (line.size() > 1 ? "," : "") + name + "=" + label;
      lines.push_back(line + "} " + shown(point.value));
    }
    std::sort(lines.begin(), lines.end());
    std::string all;
    for (const auto& line : lines) all += (all.empty() ? "" : "; ") + line;
    return all;
  }

  SampleStore& store() { return *store_; }

 private:
  static std::string shown(double number) {
    char text[40];
    std::snprintf(text, sizeof text, "%.6g", number);
    return text;
  }
  std::map<std::string, ExpressionPtr> expressions_;
  std::unique_ptr<SampleStore> store_;
  Recorded recorded_;
  Time now_ = 0;
};

TEST(PromqlParser, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(error_of(""), "column 1: found the end, expected a value");
  EXPECT_EQ(error_of("up{"), "column 4: found the end, expected the name of a label");
  EXPECT_EQ(error_of("up{a=~\"b\"}"), "column 5: found \"=~\", expected = or !=");
  EXPECT_EQ(error_of("irate(up[5m])"),
            "column 1: found the function irate, expected one that the table of alerts uses");
  EXPECT_EQ(error_of("rate(up)"), "column 8: found \")\", expected a range such as [5m] before it, as rate takes");
  EXPECT_EQ(error_of("up[5m]"), "found a range at the top, expected a function around it");
  EXPECT_EQ(error_of("up + on (a) up"),
            "column 6: found \"on\", expected no on (...): it is known for and, or and unless only");
  EXPECT_EQ(error_of("up and on (a) group_left up"), "column 15: found \"group_left\", expected a vector");
  EXPECT_EQ(error_of("1 > 2"), "column 3: found two numbers, expected a vector on one side at least");
  EXPECT_EQ(error_of("up and 2"), "column 4: found a number beside and, expected vectors");
  EXPECT_EQ(error_of("sum(up)"), "column 4: found \"(\", expected by (LABEL, ...)");
  EXPECT_EQ(error_of("up $"), "column 4: found \"$\", expected PromQL");
  EXPECT_EQ(error_of("up[5]"), "column 4: found \"5\", expected a duration such as 5m");
  EXPECT_EQ(error_of("up[5x]"), "column 4: found a number with letters, expected a number or a duration such as 5m");
  EXPECT_EQ(error_of("up{a=\"b}"), "column 6: found a text without an end");
  EXPECT_EQ(error_of("up down"), "column 4: found \"down\", expected an operator or the end");
  EXPECT_NE(error_of(std::string(100, '(') + "1" + std::string(100, ')')), "");
  EXPECT_NE(error_of("a:b[5m]"), "");
}

TEST(PromqlParser, OperatorsBindAsInPrometheus) {
  Machine machine({"2 + 3 * 4 - 6 / 2", "(2 + 3) * 4", "-2 * -3", "a or b and on (x) c", "a - 1 > 1", "10 - 2 - 3"});
  EXPECT_EQ(machine.value("2 + 3 * 4 - 6 / 2"), "11");
  EXPECT_EQ(machine.value("(2 + 3) * 4"), "20");
  EXPECT_EQ(machine.value("-2 * -3"), "6");
  EXPECT_EQ(machine.value("10 - 2 - 3"), "5");
  machine.scrape(0, "a{x=\"1\"} 2\na{x=\"2\"} 3\nb{x=\"3\"} 4\n");
  EXPECT_EQ(machine.value("a or b and on (x) c"), "{x=1} 2; {x=2} 3");
  EXPECT_EQ(machine.value("a - 1 > 1"), "{x=2} 2");
}

TEST(PromqlParser, WindowsBecomeShorterBySpeed) {
  const auto parsed = parse("rate(a[5m] offset 1h30m)", 15);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(selectors_of(**parsed)[0]->range, 20'000);
  EXPECT_EQ(selectors_of(**parsed)[0]->offset, 360'000);
}

TEST(Promql, RatesAreExtrapolatedAndCountResets) {
  Machine machine({"rate(a_total[1m])", "increase(a_total[1m])"});
  machine.scrape(0, "a_total 10\n");
  EXPECT_EQ(machine.value("rate(a_total[1m])"), "") << "one sample is no rate";
  for (int i = 1; i <= 4; ++i) machine.scrape(i * kStep, "a_total " + std::to_string(10 + 3 * i) + "\n");
  EXPECT_EQ(machine.value("rate(a_total[1m])"), "{} 0.2");
  machine.scrape(5 * kStep, "a_total 5\n");
  EXPECT_EQ(machine.value("increase(a_total[1m])"), "{} 14");
}

TEST(Promql, ASeriesThatIsNotThereAnyMoreIsAbsentAtOnce) {
  Machine machine({"a", "rate(a[5m])", "a offset 30s"});
  machine.scrape(0, "a{x=\"1\"} 1\na{x=\"2\"} 1\n");
  machine.scrape(kStep, "a{x=\"1\"} 2\na{x=\"2\"} 2\n");
  machine.scrape(2 * kStep, "a{x=\"2\"} 3\n");
  EXPECT_EQ(machine.value("a"), "{x=2} 3");
  EXPECT_EQ(machine.value("rate(a[5m])"), "{x=1} 0.01; {x=2} 0.01");
  EXPECT_EQ(machine.value("a offset 30s"), "{x=1} 1; {x=2} 1");
  EXPECT_EQ(machine.value("a", 2 * kStep + kLookBack), "{x=2} 3");
  EXPECT_EQ(machine.value("a", 2 * kStep + kLookBack + 1), "");
}

TEST(Promql, SetsAndFiltersKeepTheLeftValue) {
  const std::string on = "(a unless b) and on (m) (up == 1)";
  Machine machine({"a > 1", "2 < a", "a > b", "a and b", "a unless b", "a or b", on, "a * b"});
  machine.scrape(
      0, "a{m=\"1\",x=\"1\"} 1\na{m=\"1\",x=\"2\"} 3\nb{m=\"1\",x=\"2\"} 2\nb{m=\"1\",x=\"3\"} 9\nup{m=\"1\"} 1\n");
  EXPECT_EQ(machine.value("a > 1"), "{m=1,x=2} 3");
  EXPECT_EQ(machine.value("2 < a"), "{m=1,x=2} 3");
  EXPECT_EQ(machine.value("a > b"), "{m=1,x=2} 3");
  EXPECT_EQ(machine.value("a and b"), "{m=1,x=2} 3");
  EXPECT_EQ(machine.value("a unless b"), "{m=1,x=1} 1");
  EXPECT_EQ(machine.value("a or b"), "{m=1,x=1} 1; {m=1,x=2} 3; {m=1,x=3} 9");
  EXPECT_EQ(machine.value(on), "{m=1,x=1} 1");
  EXPECT_EQ(machine.value("a * b"), "{m=1,x=2} 6");
}

TEST(Promql, AggregationsAndWhatMeetsTwice) {
  Machine machine({"sum by (x) (a)", "max by (x) (a)", "min by (x) (a)", "count by (y) (a)", "sum by (y) (a) / b"});
  machine.scrape(
      0, "a{x=\"1\",y=\"1\"} 1\na{x=\"1\",y=\"2\"} 4\na{x=\"2\",y=\"2\"} NaN\nb{y=\"1\"} 2\nb{y=\"1\",z=\"\"} 3\n");
  EXPECT_EQ(machine.value("sum by (x) (a)"), "{x=1} 5; {x=2} nan");
  EXPECT_EQ(machine.value("max by (x) (a)"), "{x=1} 4; {x=2} nan");
  EXPECT_EQ(machine.value("min by (x) (a)"), "{x=1} 1; {x=2} nan");
  EXPECT_EQ(machine.value("count by (y) (a)"), "{y=1} 1; {y=2} 2");
  EXPECT_EQ(machine.value("sum by (y) (a) / b"),
            "found {y=\"1\"} twice on the right side of an operator, expected one");
}

TEST(Promql, QuantilesOfBuckets) {
  EXPECT_DOUBLE_EQ(quantile_of_buckets(0.5, {{1, 2}, {2, 4}, {INFINITY, 4}}), 1);
  EXPECT_DOUBLE_EQ(quantile_of_buckets(0.99, {{1, 0}, {2, 100}, {INFINITY, 100}}), 1.99);
  EXPECT_DOUBLE_EQ(quantile_of_buckets(0.99, {{1, 0}, {2, 1}, {INFINITY, 100}}), 2) << "beyond the last bound";
  EXPECT_TRUE(std::isnan(quantile_of_buckets(0.99, {{1, 0}, {INFINITY, 0}})));
  EXPECT_TRUE(std::isnan(quantile_of_buckets(0.99, {{1, 1}, {2, 1}}))) << "no bucket of all";
}

TEST(Promql, TheTimeOfASampleIsThatOfTheWall) {
  Machine machine({"timestamp(a) - a"});
  machine.scrape(5'000, "a 1003\n");
  EXPECT_EQ(machine.value("timestamp(a) - a", 9'000), "{} 2") << "time 0 is second 1000";
}

TEST(SampleStore, KeepsWhatIsNamedAndNoMore) {
  Machine machine({"a{x!=\"\"}", "rate(b_total{y=\"1\"}[1m])"});
  const std::string text =
      "# HELP a A.\na{x=\"1\"} 1\na 2\na{y=\"}\\\" \\n\"} 3\nb_total{y=\"1\"} 0\nb_total{y=\"2\"} 0\nc 4\n";
  for (int i = 0; i < 100; ++i) machine.scrape(i * kStep, text);
  EXPECT_EQ(machine.store().size().series, 2U);
  EXPECT_EQ(machine.store().size().runs, 2U) << "what stands still is stored once";
  for (int i = 100; i < 200; ++i) machine.scrape(i * kStep, "b_total{y=\"1\"} " + std::to_string(i) + "\n");
  EXPECT_EQ(machine.store().size().series, 1U) << "what has ended is forgotten";
  EXPECT_LE(machine.store().size().runs, 6U) << "no more than the window";
  EXPECT_EQ(machine.value("rate(b_total{y=\"1\"}[1m])"), "{y=1} 0.0666667");
}

TEST(SampleStore, MemoryIsBoundedWhileContainersComeAndGo) {
  Machine machine({"rate(a_total[1m])", "sum by (pod) (rate(a_total[1m]))"});
  std::size_t most = 0;
  for (int i = 0; i < 20'000; ++i) {
    machine.scrape(i * kStep, "a_total{id=\"/a/" + std::to_string(i) + "\",pod=\"p" + std::to_string(i) + "\"} 1\n");
    if (i % 100 == 0) {
      (void)machine.value("sum by (pod) (rate(a_total[1m]))");
      machine.store().compact();
    }
    if (i > 2'000) most = std::max(most, machine.store().size().bytes);
  }
  EXPECT_LT(most, 600'000U);
}

TEST(SampleStore, WhatIsCountedIsSampledBetweenReadings) {
  Machine machine({"increase(counted_total[10m])", "rate(read_total[1m])"});
  const std::string read = "read_total 5\n";
  machine.scrape(0, read + "counted_total{x=\"1\"} 0\n");
  machine.scrape(kStep, read + "counted_total{x=\"1\"} 0\n");
  EXPECT_FALSE(machine.scrape(kStep + 100, "counted_total{x=\"1\"} 0\n", Lane::kCounted)) << "nothing is new";
  EXPECT_TRUE(machine.scrape(kStep + 200, "counted_total{x=\"1\"} 1\n", Lane::kCounted));
  EXPECT_EQ(machine.value("increase(counted_total[10m])"), "{x=1} 1");
  EXPECT_EQ(machine.value("rate(read_total[1m])"), "{} 0") << "a counter that was not read has not ended";
  EXPECT_TRUE(machine.scrape(kStep + 300, "", Lane::kCounted)) << "and one that is not counted any more has";
  machine.scrape(2 * kStep, "read_total 6\ncounted_total{x=\"1\"} 1\n");
  EXPECT_EQ(machine.value("increase(counted_total[10m])").substr(0, 6), "{x=1} ");
}

TEST(SampleStore, WhatIsCountedBeganWithZero) {
  Machine machine({"increase(counted_total[10m])", "increase(read_total[10m])"});
  machine.scrape(0, "counted_total{x=\"old\"} 7\n");
  machine.scrape(kStep, "read_total 3\ncounted_total{x=\"old\"} 7\ncounted_total{x=\"new\"} 3\n");
  EXPECT_EQ(machine.value("increase(counted_total[10m])"), "{x=new} 3; {x=old} 0") << "7 were there before the first";
  EXPECT_EQ(machine.value("increase(read_total[10m])"), "") << "of others nobody knows";
}

}  // namespace
}  // namespace mete::collectors::promql
