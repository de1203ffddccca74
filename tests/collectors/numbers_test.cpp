// SPDX-License-Identifier: Apache-2.0
// The pure functions over samples: rates, sums over the lives of a container, and their file.
#include <gtest/gtest.h>

#include "collectors/cumulative.h"
#include "collectors/rates.h"

namespace mete::collectors {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

Sample at(int second) {
  Sample s;
  s.at = std::chrono::steady_clock::time_point(seconds(1000 + second));
  return s;
}

TEST(Rates, OfTwoSamples) {
  Sample a = at(0);
  Sample b = at(2);
  a.cpu.usage = seconds(1);
  b.cpu.usage = milliseconds(1200);
  b.cpu.quota = milliseconds(10);
  b.cpu.period = milliseconds(100);
  a.cpu.periods = 100;
  b.cpu.periods = 120;
  a.cpu.throttled_periods = 50;
  b.cpu.throttled_periods = 65;
  a.memory.usage = Bytes(1000);
  b.memory.usage = Bytes(600);
  b.memory.limit = runtime::cgroup::Limit<Bytes>(Bytes(1200));
  a.io_pressure.full = seconds(0);
  b.io_pressure.full = seconds(3);
  a.memory.oom_kills = 1;
  b.memory.oom_kills = 3;
  const Rates r = rates(a, b);
  EXPECT_DOUBLE_EQ(r.cpu_cores.value(), 0.1);
  EXPECT_DOUBLE_EQ(r.cpu_of_quota.value(), 1.0);
  EXPECT_DOUBLE_EQ(r.throttled_ratio.value(), 0.75);
  EXPECT_DOUBLE_EQ(r.memory_growth.value(), -200);
  EXPECT_DOUBLE_EQ(r.memory_of_limit.value(), 0.5);
  EXPECT_DOUBLE_EQ(r.io_stalled.value(), 1.0) << "never more than all of the time";
  EXPECT_EQ(r.oom_kills, 2U);
  EXPECT_FALSE(r.cpu_user_cores || r.read_bytes || r.memory_waiting) << "absent is absent";
}

TEST(Rates, ACounterThatBeganAnewCountsFromZero) {
  Sample a = at(0);
  Sample b = at(1);
  a.cpu.usage = seconds(100);
  b.cpu.usage = milliseconds(250);
  a.memory.oom_kills = 7;
  b.memory.oom_kills = 1;
  const Rates r = rates(a, b);
  EXPECT_DOUBLE_EQ(r.cpu_cores.value(), 0.25);
  EXPECT_EQ(r.oom_kills, 1U);
}

TEST(Rates, DevicesAreMatchedByNumber) {
  Sample a = at(0);
  Sample b = at(1);
  a.devices.resize(1);
  a.devices[0].major = 8;
  a.devices[0].read_bytes = Bytes(100);
  b.devices.resize(2);
  b.devices[0].major = 9;
  b.devices[0].read_bytes = Bytes(5);
  b.devices[1].major = 8;
  b.devices[1].read_bytes = Bytes(150);
  EXPECT_DOUBLE_EQ(rates(a, b).read_bytes.value(), 55);
}

TEST(Rates, NoTimeNoRates) {
  Sample a = at(1);
  a.cpu.usage = seconds(1);
  EXPECT_FALSE(rates(a, a).cpu_cores);
  EXPECT_FALSE(rates(a, at(0)).cpu_cores);
  Sample b = at(2);
  b.cpu.periods = 5;
  EXPECT_FALSE(rates(a, b).throttled_ratio);
}

Sample full() {
  Sample s;
  s.cpu.usage = nanoseconds(5);
  s.memory.oom_kills = 2;
  s.memory.max_usage = Bytes(100);
  s.memory.oom_group = true;
  s.pids.peak = 4;
  s.memory_pressure.full = nanoseconds(9);
  s.devices.resize(1);
  s.devices[0].major = 8;
  s.devices[0].minor = 1;
  s.devices[0].name = ShortText<31>("sda1");
  s.devices[0].reads = 3;
  s.interfaces.resize(1);
  s.interfaces[0].name = ShortText<15>("eth0");
  s.interfaces[0].receive_bytes = Bytes(7);
  return s;
}

TEST(Cumulative, CountersAddGaugesAreOfTheLiving) {
  const Sample base = full();
  Sample live = full();
  live.memory.usage = Bytes(1);
  live.memory.max_usage = Bytes(50);
  live.memory.oom_group.reset();
  live.devices[0].minor = 2;
  live.cpu.user = nanoseconds(1);
  const Sample sum = add(base, live);
  EXPECT_EQ(sum.cpu.usage, nanoseconds(10));
  EXPECT_EQ(sum.cpu.user, nanoseconds(1)) << "one that only one has is that one's";
  EXPECT_EQ(sum.memory.oom_kills, 4U);
  EXPECT_EQ(sum.memory.usage, Bytes(1));
  EXPECT_EQ(sum.memory.max_usage, Bytes(100));
  EXPECT_EQ(sum.memory.oom_group, true);
  ASSERT_EQ(sum.devices.size(), 2U) << "another device: both stay";
  ASSERT_EQ(sum.interfaces.size(), 1U);
  EXPECT_EQ(sum.interfaces[0].receive_bytes, Bytes(14));
  EXPECT_FALSE(add(Sample(), Sample()).cpu.usage);
}

TEST(Cumulative, SumsDoNotOverflow) {
  Sample a;
  Sample b;
  a.cpu.usage = b.cpu.usage = nanoseconds::max();
  a.memory.failcnt = b.memory.failcnt = UINT64_MAX;
  EXPECT_EQ(add(a, b).cpu.usage, nanoseconds::max());
  EXPECT_EQ(add(a, b).memory.failcnt, UINT64_MAX);
}

TEST(Cumulative, TextRoundTrip) {
  Sample s = full();
  s.memory.usage = Bytes(1);
  const std::string text = to_text(s);
  const auto back = from_text(text);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(to_text(*back), text);
  EXPECT_EQ(back->devices[0].name.view(), "sda1");
  EXPECT_EQ(back->memory.oom_kills, 2U);
  EXPECT_FALSE(back->memory.usage) << "gauges are of the moment";
  EXPECT_TRUE(from_text("")->devices.empty());
}

TEST(Cumulative, TextOfOthers) {
  EXPECT_EQ(from_text("cpu.new_thing 5 6\n\ncpu.usage_ns 7\ndevice 8:0 - colour 5\n")->cpu.usage, nanoseconds(7));
  for (const char* const bad : {"cpu.usage_ns\n", "cpu.usage_ns x", "device 8 sda reads 5", "device 8:0 sda reads",
                                "interface eth0 receive_bytes -1"}) {
    const auto read = from_text(std::string("pids.peak 1\n") + bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_NE(read.error().what.find("line 2"), std::string::npos) << read.error().what;
  }
}

}  // namespace
}  // namespace mete::collectors
