// SPDX-License-Identifier: Apache-2.0
// Tables of text and expected fields, edge values included. Whole trees of files: sampler_test.cpp.
#include <gtest/gtest.h>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/machine.h"

namespace mete::collectors {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::string_view kMax = "18446744073709551615";

bool parse(Where where, std::string_view file, std::string_view text, Sample& into) {
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& source : collector.files) {
      if (source.where == where && source.file == file) return source.parse(text, into);
    }
  }
  ADD_FAILURE() << "no collector reads " << file;
  return false;
}

// Parses into an empty sample; the text must be understood.
Sample parsed(Where where, std::string_view file, std::string_view text) {
  Sample sample;
  EXPECT_TRUE(parse(where, file, text, sample)) << file << ": " << text;
  return sample;
}

TEST(Parsers, SingleNumbersAreStrict) {
  const std::pair<Where, std::string_view> files[] = {
      {Where::kV1, "cpuacct.usage"},  {Where::kV1, "memory.usage_in_bytes"},
      {Where::kV1, "memory.failcnt"}, {Where::kV1, "pids.current"},
      {Where::kV1, "cpu.shares"},     {Where::kV1, "cpu.cfs_period_us"},
      {Where::kV2, "memory.current"}, {Where::kV2, "memory.peak"},
      {Where::kV2, "cpu.weight"},     {Where::kV2, "memory.max"},
      {Where::kV2, "pids.max"},
  };
  for (const auto& [where, file] : files) {
    Sample sample;
    EXPECT_TRUE(parse(where, file, "42\n", sample)) << file;
    EXPECT_TRUE(parse(where, file, "0", sample)) << file;
    for (const std::string_view bad : {"", "\n", "x", "-2", "1 2", "18446744073709551616", "1.5", "0x10"}) {
      EXPECT_FALSE(parse(where, file, bad, sample)) << file << ": \"" << bad << "\"";
    }
  }
}

TEST(Parsers, SixtyFourBitEdges) {
  const std::string max = std::string(kMax) + "\n";
  EXPECT_EQ(parsed(Where::kV1, "cpuacct.usage", max).cpu.usage, nanoseconds::max());
  EXPECT_EQ(parsed(Where::kV1, "memory.usage_in_bytes", max).memory.usage, Bytes(INT64_MAX));
  EXPECT_EQ(parsed(Where::kV1, "memory.failcnt", max).memory.failcnt, UINT64_MAX);
  EXPECT_EQ(parsed(Where::kV2, "cpu.stat", "usage_usec " + max).cpu.usage, nanoseconds::max());
  EXPECT_EQ(parsed(Where::kV2, "cpu.stat", "usage_usec 9223372036854775\n").cpu.usage,
            nanoseconds(9223372036854775000));
  EXPECT_EQ(parsed(Where::kV1, "cpuacct.stat", "user " + max).cpu.user, nanoseconds::max());
}

TEST(Parsers, CpuStat) {
  auto s =
      parsed(Where::kV1, "cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 123\nnr_bursts 1\nburst_time 9\n");
  EXPECT_EQ(s.cpu.periods, 10U);
  EXPECT_EQ(s.cpu.throttled_periods, 4U);
  EXPECT_EQ(s.cpu.throttled, nanoseconds(123));
  EXPECT_EQ(s.cpu.burst, nanoseconds(9));
  // Another order, unknown keys, and what an older kernel does not have.
  s = parsed(Where::kV2, "cpu.stat", "nice_usec 5\nthrottled_usec 7\nusage_usec 3\ncore_sched.force_idle_usec 1\n");
  EXPECT_EQ(s.cpu.usage, microseconds(3));
  EXPECT_EQ(s.cpu.throttled, microseconds(7));
  EXPECT_FALSE(s.cpu.user || s.cpu.periods || s.cpu.burst);
  EXPECT_FALSE(parsed(Where::kV1, "cpu.stat.local", "").cpu.throttled_local) << "the root group's is empty";
  EXPECT_EQ(parsed(Where::kV2, "cpu.stat.local", "throttled_usec 2\n").cpu.throttled_local, microseconds(2));
}

TEST(Parsers, OneBadLineDoesNotHideTheOthers) {
  Sample s;
  EXPECT_FALSE(parse(Where::kV1, "cpu.stat", "nr_periods ten\nnr_throttled 4\n\nthrottled_time\n", s));
  EXPECT_FALSE(s.cpu.periods);
  EXPECT_EQ(s.cpu.throttled_periods, 4U);
}

TEST(Parsers, QuotaAndItsAbsence) {
  EXPECT_EQ(parsed(Where::kV1, "cpu.cfs_quota_us", "50000\n").cpu.quota, milliseconds(50));
  EXPECT_EQ(parsed(Where::kV2, "cpu.max", "50000 100000\n").cpu.quota, milliseconds(50));
  for (const auto& [where, file, text] :
       {std::tuple{Where::kV1, "cpu.cfs_quota_us", "-1\n"}, std::tuple{Where::kV2, "cpu.max", "max 100000\n"}}) {
    Sample s;
    s.cpu.quota = milliseconds(1);
    EXPECT_TRUE(parse(where, file, text, s));
    EXPECT_FALSE(s.cpu.quota) << "one that was lifted is gone";
  }
  Sample s;
  for (const std::string_view bad : {"", "max", "x 100000", "50000"})
    EXPECT_FALSE(parse(Where::kV2, "cpu.max", bad, s));
  EXPECT_EQ(parsed(Where::kV2, "cpu.weight", "100\n").cpu.shares, 1024U);
  EXPECT_FALSE(parsed(Where::kV2, "cpu.weight", "0\n").cpu.shares) << "an idle group";
}

TEST(Parsers, PerCpu) {
  EXPECT_EQ(parsed(Where::kV1, "cpuacct.usage_percpu", "1 2 3 \n").cpu.per_cpu.size(), 3U);
  Sample s;
  EXPECT_FALSE(parse(Where::kV1, "cpuacct.usage_percpu", "1 x\n", s));
  EXPECT_FALSE(parse(Where::kV1, "cpuacct.usage_percpu", "\n", s));
}

TEST(Parsers, MemoryLimits) {
  EXPECT_TRUE(parsed(Where::kV1, "memory.limit_in_bytes", "9223372036854771712\n").memory.limit->is_unlimited());
  EXPECT_TRUE(parsed(Where::kV1, "memory.limit_in_bytes", "9223372036854710272\n").memory.limit->is_unlimited())
      << "64 KiB pages";
  EXPECT_TRUE(parsed(Where::kV1, "memory.limit_in_bytes", "-1\n").memory.limit->is_unlimited());
  EXPECT_EQ(parsed(Where::kV1, "memory.limit_in_bytes", "104960000\n").memory.limit->value(), Bytes(104'960'000));
  EXPECT_TRUE(parsed(Where::kV2, "memory.max", "max\n").memory.limit->is_unlimited());
  EXPECT_EQ(parsed(Where::kV2, "memory.swap.max", "0\n").memory.swap_limit->value(), Bytes(0));
  EXPECT_EQ(parsed(Where::kV1, "memory.soft_limit_in_bytes", "4096").memory.soft_limit->value(), Bytes(4096));
}

TEST(Parsers, MemoryStatOnV1IsReadByItsTotals) {
  const auto s = parsed(Where::kV1, "memory.stat",
                        "cache 1\nrss 2\ninactive_file 3\nhierarchical_memory_limit 9\ntotal_cache 10\ntotal_rss 20\n"
                        "total_inactive_file 30\ntotal_new_key 1\ntotal_swap 40\n");
  EXPECT_EQ(s.memory.cache, Bytes(10));
  EXPECT_EQ(s.memory.rss, Bytes(20));
  EXPECT_EQ(s.memory.inactive_file, Bytes(30));
  EXPECT_EQ(s.memory.swap, Bytes(40));
  EXPECT_FALSE(s.memory.mapped_file);
  EXPECT_FALSE(parsed(Where::kV1, "memory.stat", "cache 1\n").memory.cache);
}

TEST(Parsers, OomKillsAsTheKernelCountsThem) {
  auto s = parsed(Where::kV1, "memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 3\n");
  EXPECT_EQ(s.memory.oom_kill_disable, true);
  EXPECT_EQ(s.memory.under_oom, true);
  EXPECT_EQ(s.memory.oom_kills, 3U);
  s = parsed(Where::kV1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
  EXPECT_FALSE(s.memory.oom_kills) << "kernels before 4.13";
  s = parsed(Where::kV2, "memory.events",
             "low 0\nhigh 1\nmax 2\noom 3\noom_kill 40\noom_group_kill 4\nsock_throttled 5\n");
  EXPECT_EQ(s.memory.oom_kills, 40U);
  EXPECT_TRUE(parse(Where::kV2, "memory.oom.group", "1\n", s));
  EXPECT_EQ(s.memory.events_oom_group_kill, 4U);
  EXPECT_EQ(s.memory.oom_group, true);
}

TEST(Parsers, WorkingSetIsNeverNegative) {
  MemorySample m;
  EXPECT_FALSE(m.working_set());
  m.usage = Bytes(10);
  EXPECT_EQ(m.working_set(), Bytes(10));
  m.inactive_file = Bytes(20);
  EXPECT_EQ(m.working_set(), Bytes(0));
}

TEST(Parsers, Pids) {
  EXPECT_FALSE(parsed(Where::kV1, "pids.max", "max\n").pids.max);
  EXPECT_EQ(parsed(Where::kV2, "pids.max", "12\n").pids.max, 12U);
  EXPECT_EQ(parsed(Where::kV1, "pids.events", "max 5\n").pids.refused, 5U);
}

TEST(Parsers, BlockDevices) {
  Sample s = parsed(Where::kV1, "blkio.throttle.io_service_bytes_recursive",
                    "8:0 Read 5\n8:0 Write 6\n8:0 Sync 11\n8:0 Total 11\n254:1 Read 1\nTotal 12\n");
  EXPECT_TRUE(parse(Where::kV1, "blkio.throttle.io_serviced_recursive", "8:0 Read 2\n8:0 Discard 1\nTotal 3\n", s));
  ASSERT_EQ(s.devices.size(), 2U);
  EXPECT_EQ(s.devices[0].read_bytes, Bytes(5));
  EXPECT_EQ(s.devices[0].reads, 2U);
  EXPECT_EQ(s.devices[0].discards, 1U);
  EXPECT_FALSE(s.devices[0].writes) << "not said";
  EXPECT_EQ(s.devices[1].major, 254U);
  EXPECT_TRUE(parse(Where::kV1, "blkio.throttle.io_service_bytes_recursive", "Total 0\n", s));
  EXPECT_TRUE(s.devices.empty()) << "a new pass begins anew";
  for (const std::string_view bad :
       {"8 Read 5\n", "8:0 Read\n", "a:b Read 5\n", "8:0:1 Read 5", "4294967296:0 Read 1"}) {
    EXPECT_FALSE(parse(Where::kV1, "blkio.throttle.io_service_bytes_recursive", bad, s)) << bad;
  }
  s = parsed(Where::kV2, "io.stat", "8:0 rbytes=5 wbytes=6 rios=1 wios=2 dbytes=3 dios=4 cost.usage=9\n7:0 \n9:0\n");
  ASSERT_EQ(s.devices.size(), 1U);
  EXPECT_EQ(s.devices[0].discard_bytes, Bytes(3));
  EXPECT_FALSE(parse(Where::kV2, "io.stat", "(unknown) rbytes=5\n", s));
}

TEST(Parsers, Pressure) {
  const auto s =
      parsed(Where::kUnified, "cpu.pressure",
             "some avg10=1.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n");
  EXPECT_EQ(s.cpu_pressure.some, microseconds(12));
  EXPECT_EQ(s.cpu_pressure.full, microseconds(3));
  EXPECT_FALSE(parsed(Where::kUnified, "irq.pressure", "full avg10=0.00 total=3\n").irq_pressure.some);
  Sample bad;
  EXPECT_FALSE(parse(Where::kUnified, "io.pressure", "some avg10=0.00 total=x\n", bad));
}

TEST(Parsers, Network) {
  Sample s;
  EXPECT_TRUE(
      parse_net_dev(" face |bytes packets\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
                    "  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nveth12: 1 2 3 4 5 6 7 8 9 1 1 1 1 1 1 1\n"
                    "a-name-longer-than-it-may-be: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
                    s));
  ASSERT_EQ(s.interfaces.size(), 2U);
  EXPECT_EQ(s.interfaces[0].name.view(), "eth0");
  EXPECT_EQ(s.interfaces[0].receive_dropped, 4U);
  EXPECT_EQ(s.interfaces[0].transmit_errors, 11U);
  EXPECT_EQ(s.interfaces[1].name.view(), "a-name-longer-t");
  EXPECT_FALSE(parse_net_dev("eth0: 1 2 3\n", s));
  EXPECT_TRUE(s.interfaces.empty());
}

TEST(Parsers, Machine) {
  const auto machine =
      parse_machine("cpu  1 2\ncpu0 1\ncpu1 1\nintr 5\n", "MemTotal:  8 kB\nSwapTotal: 0 kB\nHugepagesize: 1 kB\n");
  EXPECT_EQ(machine.cores, 2U);
  EXPECT_EQ(machine.memory, Bytes(8192));
  EXPECT_EQ(machine.swap, Bytes(0));
  EXPECT_FALSE(parse_machine("", "").cores);
}

}  // namespace
}  // namespace mete::collectors
