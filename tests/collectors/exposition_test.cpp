// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/support/readings.h"

namespace mete::collectors {
namespace {

std::string text_of(Value value) {
  std::string out;
  value.append_to(out);
  return out;
}

TEST(Value, Numbers) {
  using std::chrono::nanoseconds;
  EXPECT_EQ(text_of(std::uint64_t{0}), "0");
  EXPECT_EQ(text_of(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(text_of(Bytes(-5)), "0");
  EXPECT_EQ(text_of(nanoseconds(0)), "0");
  EXPECT_EQ(text_of(nanoseconds(1)), "0.000000001");
  EXPECT_EQ(text_of(nanoseconds(1'500'000'000)), "1.5");
  EXPECT_EQ(text_of(nanoseconds(3'000'000'000)), "3");
  EXPECT_EQ(text_of(nanoseconds(-1'250'000'000)), "-1.25");
  EXPECT_EQ(text_of(nanoseconds::max()), "9223372036.854775807");
  EXPECT_EQ(text_of(nanoseconds::min()), "-9223372036.854775808");
  EXPECT_EQ(text_of(0.25), "0.25");
  EXPECT_EQ(text_of(std::nan("")), "NaN");
  EXPECT_EQ(text_of(HUGE_VAL), "+Inf");
  EXPECT_EQ(text_of(-HUGE_VAL), "-Inf");
  EXPECT_TRUE(Value(Size()).absent());
}

TEST(Labels, AreEscapedAndValidUtf8) {
  const auto escaped = [](std::string_view value) {
    std::string out;
    append_label_value(out, value);
    return out;
  };
  EXPECT_EQ(escaped(R"(a"b\c)"
                    "\nd"),
            R"(a\"b\\c\nd)");
  EXPECT_EQ(escaped("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8b"), "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8b");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(escaped("a\xff!"), "a" + bad + "!");
  EXPECT_EQ(escaped("\xc3"), bad) << "cut off";
  EXPECT_EQ(escaped("\xc0\xaf"), bad + bad) << "overlong";
  EXPECT_EQ(escaped("\xed\xa0\x80"), bad + bad + bad) << "surrogate";
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), bad + bad + bad + bad) << "past U+10FFFF";
  EXPECT_EQ((LabelBlock{{"a", "1"}, {"b", "x\"y"}}.text()), R"(a="1",b="x\"y")");
}

TEST(Family, HeadOnceAndOnlyWithLines) {
  std::string out;
  {
    FamilyWriter family(out, "mete_x_total", "Back\\slash and\nnewline.", MetricType::kCounter);
    family.add(Value());
    EXPECT_EQ(out, "");
    family.add(LabelBlock{{"a", "b"}}, std::uint64_t{1});
    family.add(LabelBlock{{"a", "b"}}, 0.5, R"(le="1")");
    family.add(LabelBlock(), std::uint64_t{3}, R"(c="d")");
    family.add(std::uint64_t{2});
  }
  EXPECT_EQ(out,
            "# HELP mete_x_total Back\\\\slash and\\nnewline.\n# TYPE mete_x_total counter\n"
            "mete_x_total{a=\"b\"} 1\nmete_x_total{a=\"b\",le=\"1\"} 0.5\nmete_x_total{c=\"d\"} 3\nmete_x_total 2\n");
  out.clear();
  FamilyWriter histogram(out, "h", "x", MetricType::kHistogram);
  histogram.add_suffixed("_bucket", LabelBlock{{"a", "b"}}, std::uint64_t{1}, R"(le="+Inf")");
  EXPECT_EQ(out, "# HELP h x\n# TYPE h histogram\nh_bucket{a=\"b\",le=\"+Inf\"} 1\n");
}

const LabelBlock kLabels{{"id", "/x"}};

TEST(Metrics, AnEmptySampleGivesNoLines) {
  EXPECT_EQ(render(reading_of(kLabels, {})), "");
}

Sample with_all_groups() {
  Sample s;
  s.cpu.usage = std::chrono::seconds(1);
  s.cpu.periods = 5;
  s.cpu.shares = 2;
  s.memory.limit = runtime::cgroup::Limit<Bytes>();
  s.interfaces.resize(1);
  s.interfaces[0].name = ShortText<15>("eth0");
  s.interfaces[0].receive_bytes = Bytes(1);
  return s;
}

TEST(Metrics, CfsFamiliesNeedAQuota) {
  Sample s = with_all_groups();
  std::string out = render(reading_of(kLabels, s));
  EXPECT_EQ(out.find("_cfs_"), std::string::npos);
  EXPECT_NE(out.find("container_spec_memory_limit_bytes{id=\"/x\"} 0\n"), std::string::npos) << "0 says unlimited";
  s.cpu.quota = std::chrono::milliseconds(10);
  out = render(reading_of(kLabels, s));
  EXPECT_NE(out.find("container_cpu_cfs_periods_total{id=\"/x\"} 5\n"), std::string::npos);
  EXPECT_NE(out.find("container_spec_cpu_quota{id=\"/x\"} 10000\n"), std::string::npos);
}

TEST(Metrics, ThePodsRowHasANameForItsNetworkAlone) {
  const Sample sample = with_all_groups();
  auto reading = std::make_shared<Reading>();
  Series& series = reading->series.emplace_back();
  series.labels = std::make_shared<LabelBlock>(LabelBlock{{"name", ""}});
  series.network = std::make_shared<LabelBlock>(LabelBlock{{"name", "k8s_POD_p"}});
  series.sample = &sample;
  const std::string out = render(reading);
  EXPECT_NE(out.find("container_network_receive_bytes_total{name=\"k8s_POD_p\",interface=\"eth0\"} 1\n"),
            std::string::npos)
      << out;
  EXPECT_NE(out.find("container_cpu_usage_seconds_total{name=\"\",cpu=\"total\"} 1\n"), std::string::npos);
}

TEST(Metrics, NetworkAndSettingsCanBeLeftOut) {
  const std::string out =
      render(reading_of(kLabels, with_all_groups(), {.with_network = false, .with_settings = false}));
  EXPECT_EQ(out.find("container_network"), std::string::npos);
  EXPECT_EQ(out.find("container_spec"), std::string::npos);
  EXPECT_NE(out.find("container_cpu_usage_seconds_total{id=\"/x\",cpu=\"total\"} 1\n"), std::string::npos);
}

TEST(Metrics, PerCpuReplacesTheTotal) {
  Sample s = with_all_groups();
  s.cpu.per_cpu.assign(11, std::chrono::seconds(2));
  const std::string out = render(reading_of(kLabels, s));
  EXPECT_EQ(out.find("cpu=\"total\""), std::string::npos);
  EXPECT_NE(out.find("{id=\"/x\",cpu=\"cpu00\"} 2\n"), std::string::npos);
  EXPECT_NE(out.find("{id=\"/x\",cpu=\"cpu10\"} 2\n"), std::string::npos);
}

TEST(Metrics, EachFamilyIsThereOnceAndCountersEndInTotal) {
  std::set<std::string_view> done;
  for (const Family* family : all_families()) {
    EXPECT_TRUE(done.insert(family->name).second) << family->name << " is in two places";
    if (family->type == MetricType::kCounter) {
      EXPECT_TRUE(family->name.ends_with("_total")) << family->name;
    }
    EXPECT_FALSE(family->help.empty());
    EXPECT_FALSE(family->collector.empty());
  }
}

TEST(Metrics, WhatOutlivesTheCgroupHasTheWorkloadsLabels) {
  Series series;
  series.workload = std::make_shared<const LabelBlock>(LabelBlock{{"pod", "web"}});
  series.lifecycle =
      Lifecycle{.state = RunState::kExited, .restarts = 2, .exit_code = 137, .oom_kills = {.container = 3}};
  auto reading = reading_of(kLabels, {}, series);
  reading->series[0].sample = nullptr;  // the cgroup is gone
  const std::string out = render(reading);
  EXPECT_NE(out.find("mete_oom_kills_total{pod=\"web\",scope=\"container\",by=\"kernel\"} 3\n"), std::string::npos);
  EXPECT_NE(out.find("mete_container_state{pod=\"web\",state=\"exited\"} 1\n"), std::string::npos);
  EXPECT_NE(out.find("mete_container_last_exit_code{pod=\"web\"} 137\n"), std::string::npos);
  EXPECT_EQ(out.find("{id="), std::string::npos);
}

TEST(Metrics, ThrottleLengthsAreACumulativeHistogram) {
  ThrottleLengths lengths;
  lengths.buckets = {1, 0, 2};
  lengths.buckets.back() = 1;
  lengths.sum = std::chrono::milliseconds(1'500);
  Series series;
  series.throttle_lengths = std::make_shared<const ThrottleLengths>(lengths);
  const std::string out = render(reading_of(kLabels, {}, series));
  const std::string name = "mete_container_cpu_throttle_seconds";
  EXPECT_NE(out.find("# TYPE " + name + " histogram\n"), std::string::npos);
  EXPECT_NE(out.find(name + "_bucket{id=\"/x\",le=\"0.001\"} 1\n"), std::string::npos);
  EXPECT_NE(out.find(name + "_bucket{id=\"/x\",le=\"0.005\"} 3\n"), std::string::npos);
  EXPECT_NE(out.find(name + "_bucket{id=\"/x\",le=\"1\"} 3\n"), std::string::npos);
  EXPECT_NE(out.find(name + "_bucket{id=\"/x\",le=\"+Inf\"} 4\n"), std::string::npos);
  EXPECT_NE(out.find(name + "_sum{id=\"/x\"} 1.5\n" + name + "_count{id=\"/x\"} 4\n"), std::string::npos);
}

TEST(OpenMetrics, HeadsUnitsExemplarsAndTheEnd) {
  Series series;
  series.workload = std::make_shared<const LabelBlock>(LabelBlock{{"pod", "web"}});
  Lifecycle lifecycle{.oom_kills = {.container = 1, .pod = 1, .host = 1}, .policy_kills = 1};
  const auto exemplar = [](const char* event) {
    return Exemplar{LabelBlock{{"event", event}}, std::uint64_t{1},
                    std::chrono::system_clock::time_point(std::chrono::milliseconds(1'500))};
  };
  lifecycle.last_ooms = std::make_shared<const OomExemplars>(
      OomExemplars{.container = exemplar("7"), .host = exemplar("8"), .policy = exemplar("9")});
  series.lifecycle = lifecycle;
  Sample s = with_all_groups();
  s.memory.failcnt = 4;
  const auto reading = reading_of(kLabels, s, series);
  const std::string out = render(reading, Format::kOpenMetrics);
  EXPECT_NE(out.find("# TYPE container_cpu_usage_seconds counter\n# UNIT container_cpu_usage_seconds seconds\n"
                     "container_cpu_usage_seconds_total{id=\"/x\",cpu=\"total\"} 1\n"),
            std::string::npos);
  EXPECT_NE(out.find("# TYPE container_memory_failcnt unknown\n"), std::string::npos);
  // Each kind of kill has its own.
  EXPECT_NE(out.find("scope=\"container\",by=\"kernel\"} 1 # {event=\"7\"} 1 1.5\n"), std::string::npos);
  EXPECT_NE(out.find("scope=\"host\",by=\"kernel\"} 1 # {event=\"8\"} 1 1.5\n"), std::string::npos);
  EXPECT_NE(out.find("scope=\"container\",by=\"policy\"} 1 # {event=\"9\"} 1 1.5\n"), std::string::npos);
  EXPECT_NE(out.find("scope=\"pod\",by=\"kernel\"} 1\n"), std::string::npos) << "none of this kind is known";
  EXPECT_TRUE(out.ends_with("\n# EOF\n"));
  EXPECT_EQ(render(reading).find(" # {"), std::string::npos) << "text 0.0.4 has no exemplars";
}

TEST(Stream, PiecesAreWholeLinesAndTogetherEverything) {
  auto reading = reading_of(kLabels, with_all_groups());
  for (int i = 0; i < 50; ++i) reading->series.push_back(reading->series.front());
  const std::string whole = render(reading, Format::kOpenMetrics);
  ExpositionStream stream(reading, Format::kOpenMetrics, {}, "");
  std::string all;
  std::size_t pieces = 0;
  for (auto piece = stream.next(100); !piece.empty(); piece = stream.next(100)) {
    EXPECT_TRUE(piece.ends_with('\n'));
    EXPECT_LT(piece.size(), 1'000U);
    all += piece;
    ++pieces;
  }
  EXPECT_EQ(all, whole);
  EXPECT_GT(pieces, 10U);
  EXPECT_TRUE(stream.next().empty()) << "the end stays the end";
}

TEST(Stream, TheFilterAndTheTail) {
  const auto reading = reading_of(kLabels, with_all_groups());
  ExpositionStream stream(
      reading, Format::kText, [](const Family& family) { return family.collector == "network"; }, "tail 1\n");
  const std::string out(stream.next());
  EXPECT_EQ(out.find("container_cpu"), std::string::npos);
  EXPECT_NE(out.find("container_network_receive_bytes_total{id=\"/x\",interface=\"eth0\"} 1\n"), std::string::npos);
  EXPECT_TRUE(out.ends_with("\ntail 1\n"));
}

}  // namespace
}  // namespace mete::collectors
