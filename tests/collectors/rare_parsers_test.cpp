// SPDX-License-Identifier: Apache-2.0
// Kernel text of the subjects that few look at -> what is in the sample; and text that no kernel should write.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/machine.h"
#include "collectors/kernel/process_walk.h"

namespace mete::collectors {
namespace {

using std::chrono::nanoseconds;

const SourceFile* source(Where where, std::string_view file) {
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& each : collector.files) {
      if (each.where == where && each.file == file) return &each;
    }
  }
  return nullptr;
}

struct Parsed {
  bool understood = false;
  Sample sample;
};
Parsed parsed_rare(Where where, std::string_view file, std::string_view text) {
  Parsed out;
  const SourceFile* const found = source(where, file);
  EXPECT_NE(found, nullptr) << file;
  if (found != nullptr) out.understood = found->parse(text, out.sample);
  return out;
}

TEST(RareParsers, NumaV1CountsPagesOfTheGroupAndBelow) {
  const auto [good, sample] =
      parsed_rare(Where::kV1, "memory.numa_stat",
                  "total=7 N0=3 N1=4\nfile=5 N0=2 N1=3\nanon=2 N0=1 N1=1\nunevictable=0 N0=0 N1=0\n"
                  "hierarchical_total=9 N0=4 N1=5\nhierarchical_file=6 N0=2 N1=4\nnew_key=1 N0=1\n");
  EXPECT_TRUE(good);
  ASSERT_EQ(sample.numa.size(), 2U);
  EXPECT_EQ(sample.numa[1].node, 1U);
  EXPECT_EQ(sample.numa[1].file, 3U);
  EXPECT_EQ(sample.numa[1].nested_file, 4U);
  EXPECT_EQ(sample.numa[0].anon, 1U);
  EXPECT_EQ(sample.numa[0].nested_anon, Count()) << "no such line: absent";
}

TEST(RareParsers, NumaV2IsBytesMadePages) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::string text =
      "anon N0=" + std::to_string(3 * page) + " N1=0\nfile N0=18446744073709551615 N1=1\nkernel_stack N0=16384\n";
  const auto [good, sample] = parsed_rare(Where::kV2, "memory.numa_stat", text);
  EXPECT_TRUE(good);
  ASSERT_EQ(sample.numa.size(), 2U);
  EXPECT_EQ(sample.numa[0].nested_anon, 3U);
  EXPECT_EQ(sample.numa[0].nested_file, UINT64_MAX / page);
  EXPECT_EQ(sample.numa[1].nested_file, 0U);
  EXPECT_EQ(sample.numa[0].anon, Count()) << "v2 does not tell the group's own";
}

TEST(RareParsers, HugePagesByTheSizeInTheName) {
  Sample sample;
  ASSERT_TRUE(source(Where::kV1, "hugetlb.2MB.usage_in_bytes")->parse("4194304\n", sample));
  ASSERT_TRUE(source(Where::kV1, "hugetlb.1GB.usage_in_bytes")->parse("0\n", sample));
  ASSERT_TRUE(source(Where::kV1, "hugetlb.2MB.rsvd.usage_in_bytes")->parse("6291456\n", sample));
  ASSERT_TRUE(source(Where::kV1, "hugetlb.2MB.failcnt")->parse("18446744073709551615\n", sample));
  ASSERT_TRUE(source(Where::kV1, "hugetlb.2MB.limit_in_bytes")->parse("9223372036852678656\n", sample));
  ASSERT_TRUE(source(Where::kV1, "hugetlb.1GB.limit_in_bytes")->parse("1073741824\n", sample));
  ASSERT_EQ(sample.hugetlb.size(), 2U);
  EXPECT_EQ(sample.hugetlb[0].page_size.view(), "2MB");
  EXPECT_EQ(sample.hugetlb[0].usage, Bytes(4'194'304));
  EXPECT_EQ(sample.hugetlb[0].reserved, Bytes(6'291'456));
  EXPECT_EQ(sample.hugetlb[0].failcnt, UINT64_MAX);
  EXPECT_EQ(sample.hugetlb[0].limit, Size()) << "the largest number is no limit";
  EXPECT_EQ(sample.hugetlb[1].limit, Bytes(1'073'741'824));
  EXPECT_TRUE(source(Where::kV2, "hugetlb.2MB.max")->parse("max\n", sample));
  EXPECT_FALSE(source(Where::kV2, "hugetlb.2MB.current")->parse("-1\n", sample));
  EXPECT_EQ(sample.hugetlb[0].usage, Bytes(4'194'304)) << "what was not understood changes nothing";
}

TEST(RareParsers, CpusetListsAreCounted) {
  const auto count = [](std::string_view text) {
    return parsed_rare(Where::kV2, "cpuset.cpus.effective", text).sample.cpu.cpuset_cpus;
  };
  EXPECT_EQ(count("0-3,8,10-11\n"), 7U);
  EXPECT_EQ(count("5\n"), 1U);
  EXPECT_EQ(count("\n"), Count()) << "an empty set is no limit that could be told";
  for (const char* bad : {"3-1", "a", "0-", "0-99999999999", "1,,2", "0-4294967295,0-4294967295", "-1"}) {
    EXPECT_FALSE(parsed_rare(Where::kV2, "cpuset.cpus.effective", bad).understood) << bad;
  }
}

TEST(RareParsers, TheCgroupItself) {
  EXPECT_EQ(parsed_rare(Where::kUnified, "cgroup.stat",
                        "nr_descendants 3\nnr_subsys_memory 4\nnr_dying_descendants 18446744073709551615\n")
                .sample.group.dying_descendants,
            UINT64_MAX);
  EXPECT_EQ(parsed_rare(Where::kUnified, "cgroup.events", "populated 1\nfrozen 1\n").sample.group.frozen, true);
  EXPECT_EQ(parsed_rare(Where::kUnified, "cgroup.events", "populated 1\n").sample.group.frozen, std::optional<bool>());
  EXPECT_EQ(parsed_rare(Where::kV1, "freezer.state", "FREEZING\n").sample.group.frozen_v1, false);
  EXPECT_EQ(parsed_rare(Where::kV1, "freezer.state", "FROZEN\n").sample.group.frozen_v1, true);
  EXPECT_FALSE(parsed_rare(Where::kV1, "freezer.state", "").understood);
}

TEST(RareParsers, EventsOfTheGroupAloneAndOfSwap) {
  Sample sample;
  ASSERT_TRUE(source(Where::kV2, "memory.events")->parse("max 9\noom_kill 8\n", sample));
  ASSERT_TRUE(source(Where::kV2, "memory.events.local")->parse("low 1\nmax 2\noom_kill 3\nsock_throttled 5\n", sample));
  ASSERT_TRUE(source(Where::kV2, "memory.swap.events")->parse("high 4\nmax 5\nfail 6\n", sample));
  EXPECT_EQ(sample.memory.oom_kills, 8U) << "the local file does not write over the whole tree's";
  EXPECT_EQ(sample.memory.more->local.oom_kill, 3U);
  EXPECT_EQ(sample.memory.more->local.oom_group_kill, Count());
  EXPECT_EQ(sample.memory.more->swap_fail, 6U);
}

TEST(RareParsers, IoCostAndBfq) {
  const auto [good, sample] =
      parsed_rare(Where::kV2, "io.stat",
                  "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.vrate=100.00 cost.usage=7 cost.wait=8 "
                  "cost.indebt=9 cost.indelay=10\n");
  EXPECT_TRUE(good);
  ASSERT_EQ(sample.device_details.size(), 1U);
  EXPECT_EQ(sample.device_details[0].cost_usage, nanoseconds(7'000));
  EXPECT_EQ(sample.device_details[0].cost_indelay, nanoseconds(10'000));

  Sample v1;
  ASSERT_TRUE(source(Where::kV1, "blkio.throttle.io_service_bytes_recursive")
                  ->parse("8:0 Read 10\n8:0 Sync 10\n8:0 Async 0\nTotal 10\n", v1));
  ASSERT_TRUE(
      source(Where::kV1, "blkio.bfq.io_service_bytes_recursive")->parse("8:0 Read 7\n8:16 Read 5\nTotal 12\n", v1));
  ASSERT_TRUE(source(Where::kV1, "blkio.bfq.sectors_recursive")->parse("8:0 99\nTotal 99\n", v1));
  ASSERT_EQ(v1.devices.size(), 2U);
  EXPECT_EQ(v1.devices[0].read_bytes, Bytes(10)) << "bfq counts less than blk-throttle";
  EXPECT_EQ(v1.devices[1].read_bytes, Bytes(5)) << "what only bfq counts";
  EXPECT_EQ(v1.device_details[0].sectors, 99U);
}

TEST(RareParsers, SocketsByState) {
  Sample sample;
  const std::string head =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  EXPECT_TRUE(
      parse_net_tcp(head + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 f 100\n"
                           "   1: 0100007F:1F90 0100007F:C3A4 01 00000000:00000000 00:0 0 0 0 2\n"
                           "   2: 0100007F:1F90 0100007F:C3A4 7f 00000000:00000000 00:0 0 0 0 2\n",
                    sample));
  EXPECT_EQ(sample.sockets->tcp->at(9), 1U);
  EXPECT_EQ(sample.sockets->tcp->at(0), 1U);
  EXPECT_TRUE(parse_net_tcp(head, sample));
  EXPECT_EQ(sample.sockets->tcp->at(0), 0U) << "a gauge begins anew";
  EXPECT_TRUE(
      parse_net_udp(head + "  9: 00000000:14E9 00000000:0000 07 00000010:00000240 00:0 0 0 0 5130 2 f 3\n", sample));
  EXPECT_EQ(sample.sockets->udp->listen, 1U);
  EXPECT_EQ(sample.sockets->udp->txqueued, 16U);
  EXPECT_EQ(sample.sockets->udp->rxqueued, 576U);
  EXPECT_EQ(sample.sockets->udp->dropped, 3U);
  EXPECT_FALSE(parse_net_udp(head + "  9: x y zz 00000010\n", sample));
  EXPECT_FALSE(sample.sockets->udp6) << "a machine without IPv6 has no such file";
}

TEST(RareParsers, TcpCountersByTheKernelsNames) {
  Sample sample;
  EXPECT_TRUE(parse_net_snmp(
      "Ip: Forwarding\nIp: 2\nTcp: RtoAlgorithm MaxConn NewOne\nTcp: 1 -1 18446744073709551615\nUdp: X\nUdp: 1\n",
      sample));
  ASSERT_EQ(sample.sockets->snmp.size(), 3U);
  EXPECT_EQ(sample.sockets->snmp[0].name.view(), "rtoalgorithm");
  EXPECT_EQ(sample.sockets->snmp[1].value, -1);
  EXPECT_EQ(sample.sockets->snmp[2].value, INT64_MAX);
  EXPECT_FALSE(parse_net_netstat("TcpExt: A B\nTcpExt: 1\n", sample)) << "fewer values than names";
  EXPECT_FALSE(parse_net_netstat("TcpExt: A B\n", sample));
}

TEST(RareParsers, WhatProcTellsOfATask) {
  EXPECT_EQ(state_of_stat("42 (a) R (b) D 1 2 3"), 'D');
  EXPECT_EQ(state_of_stat("42 (a"), '\0');
  EXPECT_EQ(state_of_stat("42 (a)"), '\0');
  EXPECT_EQ(
      open_files_limit("Limit  Soft\nMax open files            1024                 524288               files     \n"),
      1024);
  EXPECT_EQ(open_files_limit("Max open files            unlimited            unlimited            files     \n"), -1);
  EXPECT_EQ(open_files_limit("Max open files \n"), std::optional<std::int64_t>());
  EXPECT_EQ(open_files_limit(""), std::optional<std::int64_t>());
  EXPECT_EQ(parse_schedstat("152976 2587 2\n")->wait, 2'587U);
  EXPECT_FALSE(parse_schedstat("0 0\n"));
}

TEST(RareParsers, WhatTheMachineIs) {
  EXPECT_EQ(parse_cache_size("32K\n"), Bytes(32'768));
  EXPECT_EQ(parse_cache_size("8M"), Bytes(8'388'608));
  EXPECT_EQ(parse_cache_size("18446744073709551615K"), Size());
  EXPECT_EQ(parse_cache_size(""), Size());
  EXPECT_EQ(os_version_of("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(os_version_of("PRETTY_NAME=\""), "\"");
  EXPECT_EQ(os_version_of(""), "");
}

// Every parser, text that no kernel should write: it may be refused, it may not be taken for numbers.
TEST(BadInput, NoParserTakesRubbishForNumbers) {
  std::string binary;
  for (int i = 0; i < 4096; ++i) binary += static_cast<char>(i * 7);
  const std::string large = [] {  // 4 MB of memory.stat
    std::string text;
    for (int i = 0; text.size() < (4U << 20U); ++i) text += "unknown_key_" + std::to_string(i) + " 1\n";
    return text + "anon 4096\ntotal_rss 4096\n";
  }();
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& file : collector.files) {
      Sample sample;
      (void)file.parse("", sample);
      (void)file.parse(binary, sample);
      (void)file.parse("99999999999999999999999999\n", sample);
      (void)file.parse(std::string_view("\0\0\0", 3), sample);
      EXPECT_FALSE(sample.memory.usage) << file.file;
      EXPECT_FALSE(sample.cpu.usage) << file.file;
      EXPECT_TRUE(sample.devices.empty()) << file.file;
      (void)file.parse(large, sample);
    }
  }
  EXPECT_EQ(parsed_rare(Where::kV2, "memory.stat", large).sample.memory.rss, Bytes(4096));
  EXPECT_EQ(parsed_rare(Where::kV1, "memory.stat", "cache 0\n" + large).sample.memory.rss, Bytes(4096));
}

TEST(LoadAverage, DecaysOverTenSeconds) {
  using std::chrono::seconds;
  EXPECT_EQ(decayed({}, 3.0, seconds(0)), 3.0) << "the first sample is the mean";
  EXPECT_NEAR(decayed(4.0, 0.0, seconds(10)), 4.0 * std::exp(-1.0), 1e-9);
  EXPECT_NEAR(decayed(0.0, 1.0, seconds(1)), 1.0 - std::exp(-0.1), 1e-9);
  EXPECT_NEAR(decayed(7.0, 2.0, seconds(1000)), 2.0, 1e-9);
  EXPECT_EQ(decayed(7.0, 2.0, seconds(0)), 7.0);
  double mean = 0;  // once a second for a minute is as good as cAdvisor's own steps
  for (int i = 0; i < 60; ++i) mean = decayed(mean, 2.0, seconds(1));
  EXPECT_NEAR(mean, 2.0 * (1.0 - std::exp(-6.0)), 1e-9);
}

TEST(SchedstatSums, KeepWhatEndedTasksHad) {
  SchedstatSum sum;
  sum.seen(1, {100, 10, 1}, 1);
  sum.seen(2, {200, 20, 2}, 1);
  sum.end_of(1);
  EXPECT_EQ(sum.total().run, 300U);
  sum.seen(1, {150, 15, 2}, 2);
  sum.end_of(2);  // 2 has ended
  EXPECT_EQ(sum.total().run, 350U);
  EXPECT_EQ(sum.total().wait, 35U);
  sum.seen(1, {5, 0, 1}, 3);  // another task of the same number
  sum.end_of(3);
  EXPECT_EQ(sum.total().run, 355U);
  sum.end_of(4);
  EXPECT_EQ(sum.total().run, 355U) << "all have ended";
  sum.seen(9, {UINT64_MAX, 0, 0}, 5);
  EXPECT_EQ(sum.total().run, UINT64_MAX) << "it stays at the largest";
}

}  // namespace
}  // namespace mete::collectors
