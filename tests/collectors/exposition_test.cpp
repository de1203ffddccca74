// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "collectors/metrics.h"

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

TEST(Metrics, AnEmptySampleGivesNoLines) {
  const LabelBlock labels{{"id", "/x"}};
  const Sample empty;
  const Series series[] = {{.labels = labels, .sample = empty}};
  std::string out;
  write_families(out, series);
  EXPECT_EQ(out, "");
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
  const LabelBlock labels{{"id", "/x"}};
  Sample s = with_all_groups();
  std::string out;
  const Series series[] = {{.labels = labels, .sample = s}};
  write_families(out, series);
  EXPECT_EQ(out.find("_cfs_"), std::string::npos);
  EXPECT_NE(out.find("container_spec_memory_limit_bytes{id=\"/x\"} 0\n"), std::string::npos) << "0 says unlimited";
  s.cpu.quota = std::chrono::milliseconds(10);
  write_families(out, series);
  EXPECT_NE(out.find("container_cpu_cfs_periods_total{id=\"/x\"} 5\n"), std::string::npos);
  EXPECT_NE(out.find("container_spec_cpu_quota{id=\"/x\"} 10000\n"), std::string::npos);
}

TEST(Metrics, NetworkAndSettingsCanBeLeftOut) {
  const LabelBlock labels{{"id", "/x"}};
  const Sample s = with_all_groups();
  const Series series[] = {{.labels = labels, .sample = s, .with_network = false, .with_settings = false}};
  std::string out;
  write_families(out, series);
  EXPECT_EQ(out.find("container_network"), std::string::npos);
  EXPECT_EQ(out.find("container_spec"), std::string::npos);
  EXPECT_NE(out.find("container_cpu_usage_seconds_total{id=\"/x\",cpu=\"total\"} 1\n"), std::string::npos);
}

TEST(Metrics, PerCpuReplacesTheTotal) {
  const LabelBlock labels{{"id", "/x"}};
  Sample s = with_all_groups();
  s.cpu.per_cpu.assign(11, std::chrono::seconds(2));
  const Series series[] = {{.labels = labels, .sample = s}};
  std::string out;
  write_families(out, series);
  EXPECT_EQ(out.find("cpu=\"total\""), std::string::npos);
  EXPECT_NE(out.find("{id=\"/x\",cpu=\"cpu00\"} 2\n"), std::string::npos);
  EXPECT_NE(out.find("{id=\"/x\",cpu=\"cpu10\"} 2\n"), std::string::npos);
}

TEST(Metrics, FamiliesStandTogetherAndCountersEndInTotal) {
  std::set<std::string_view> done;
  std::string_view last;
  for (const auto rows : {general_rows(), cpu_rows(), memory_rows(), pids_rows(), pressure_rows()}) {
    for (const MetricRow& row : rows) {
      if (row.name != last) {
        EXPECT_TRUE(done.insert(row.name).second) << row.name << " is in two places";
      }
      last = row.name;
      EXPECT_EQ(row.type == MetricType::kCounter, row.name.ends_with("_total")) << row.name;
      EXPECT_FALSE(row.help.empty());
    }
  }
}

}  // namespace
}  // namespace mete::collectors
