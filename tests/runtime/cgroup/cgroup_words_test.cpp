// SPDX-License-Identifier: Apache-2.0
// Questions about a cgroup in words that belong to no version: the same questions on a v1 tree and on a v2 tree.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/io.h"
#include "runtime/cgroup/limits/changes.h"
#include "runtime/cgroup/limits/control_write.h"
#include "runtime/cgroup/limits/refusals.h"
#include "runtime/cgroup/limits/setting.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/memory/oom.h"
#include "runtime/cgroup/memory/reclaim.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

class WordsTest : public ::testing::Test {
 protected:
  WordsTest() {
    char path[] = "/tmp/mete-words-XXXXXX";
    root_ = ::mkdtemp(path);
    v2_.mode = Mode::kV2;
    v2_.v2_mount = root_ + "/v2";
    v2_.v2_controllers = {"cpu", "cpuset", "memory", "io", "pids"};
    v1_.mode = Mode::kV1;
    for (const char* name : {"cpu", "cpuacct"}) v1_.v1[name] = root_ + "/cpu,cpuacct";
    for (const char* name : {"cpuset", "memory", "blkio", "pids", "freezer", "net_cls"})
      v1_.v1[name] = root_ + "/" + name;
    hybrid_ = v1_;
    hybrid_.mode = Mode::kHybrid;
    hybrid_.v2_mount = root_ + "/v2";
  }
  ~WordsTest() override { std::filesystem::remove_all(root_); }
  void put(const std::string& path, std::string_view text) const {
    ASSERT_TRUE(make_directories(std::filesystem::path(root_ + path).parent_path()));
    ASSERT_TRUE(replace_file(root_ + path, text));
  }
  [[nodiscard]] std::string get(const std::string& path) const {
    return read_file(AT_FDCWD, root_ + path).value_or("(none)");
  }
  [[nodiscard]] Group on_v1() const { return Group::at(v1_, "/m").value(); }
  [[nodiscard]] Group on_v2() const { return Group::at(v2_, "/m").value(); }
  std::string root_;
  Hierarchies v1_, v2_, hybrid_;
};

TEST_F(WordsTest, AbilitiesFollowTheController) {
  for (const auto& [ask, v1, v2, hybrid] :
       {std::tuple(&can_wait_out_of_memory, true, false, true), std::tuple(&has_usage_thresholds, true, false, true),
        std::tuple(&limit_makes_room, true, false, true), std::tuple(&refused_forks_are_silent, true, false, true),
        std::tuple(&has_memory_high, false, true, false), std::tuple(&has_memory_min, false, true, false),
        std::tuple(&has_oom_group, false, true, false), std::tuple(&units_take_memory_max, false, true, false),
        std::tuple(&has_memory, true, true, true), std::tuple(&has_cpu, true, true, true),
        std::tuple(&has_io, true, true, true), std::tuple(&has_pids, true, true, true),
        std::tuple(&has_net_class, true, false, true), std::tuple(&has_huge_pages, false, false, false)}) {
    EXPECT_EQ(ask(v1_), v1);
    EXPECT_EQ(ask(v2_), v2);
    EXPECT_EQ(ask(hybrid_), hybrid);
  }
  Hierarchies none;
  none.v2_mount = "/x";
  EXPECT_TRUE(enabled_controllers(on_v1()).empty() && enabled_controllers(on_v2()).empty());
  put("/v2/m/cgroup.controllers", "cpu memory\n");
  EXPECT_EQ(enabled_controllers(on_v2()), (std::vector<std::string>{"cpu", "memory"}));
  EXPECT_FALSE(has_memory(none) || can_wait_out_of_memory(none) || has_memory_high(none));
}

TEST_F(WordsTest, MemoryNumbers) {
  put("/memory/m/memory.usage_in_bytes", "9000000\n");
  put("/memory/m/memory.max_usage_in_bytes", "9500000\n");
  put("/memory/m/memory.limit_in_bytes", "10000000\n");
  put("/memory/m/memory.stat", "inactive_file 1\nactive_file 2\ntotal_inactive_file 1000\ntotal_active_file 2000\n");
  EXPECT_EQ(memory_usage(on_v1()).value(), Bytes(9'000'000));
  EXPECT_EQ(memory_peak(on_v1()), Bytes(9'500'000));
  EXPECT_EQ(memory_limit(on_v1()), Bytes(10'000'000));
  EXPECT_EQ(page_cache(on_v1()), Bytes(3000)) << "groups below it included";
  EXPECT_EQ(working_set(on_v1()), Bytes(8'999'000));
  EXPECT_EQ(memory_high(on_v1()), std::nullopt);
  put("/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory_limit(on_v1()), std::nullopt) << "unlimited";

  put("/v2/m/memory.current", "9000000\n");
  put("/v2/m/memory.max", "max\n");
  put("/v2/m/memory.high", "8000000\n");
  put("/v2/m/memory.stat", "inactive_file 1000\nactive_file 2000\nslab_reclaimable 4\n");
  EXPECT_EQ(memory_usage(on_v2()).value(), Bytes(9'000'000));
  EXPECT_EQ(memory_peak(on_v2()), std::nullopt) << "a kernel before 5.19";
  EXPECT_EQ(memory_limit(on_v2()), std::nullopt);
  EXPECT_EQ(memory_high(on_v2()), Bytes(8'000'000));
  EXPECT_EQ(page_cache(on_v2()), Bytes(3004));
  EXPECT_EQ(working_set(on_v2()), Bytes(8'999'000));
  ASSERT_TRUE(write(on_v2(), no_memory_high()));
  EXPECT_EQ(get("/v2/m/memory.high").substr(0, 3), "max");
  put("/v2/m/memory.reclaim", "");
  ask_to_reclaim(on_v2(), Bytes(4096));
  EXPECT_EQ(get("/v2/m/memory.reclaim"), "4096");

  const Group gone = Group::at(v2_, "/gone").value();
  EXPECT_TRUE(is_gone(memory_usage(gone).error()));
  EXPECT_EQ(page_cache(gone), std::nullopt);
  EXPECT_EQ(working_set(gone), Bytes(0));
  EXPECT_EQ(parse_memory_limit("4096"), Bytes(4096));
  EXPECT_EQ(parse_memory_limit("-1\n"), std::nullopt);
  EXPECT_TRUE(is_memory_limit("memory.max") && is_memory_limit("memory.limit_in_bytes"));
  EXPECT_FALSE(is_memory_limit("memory.high"));
}

TEST_F(WordsTest, Pressure) {
  put("/v2/m/memory.pressure", "some avg10=0.00\n");
  EXPECT_EQ(memory_pressure(on_v2()), "some avg10=0.00\n");
  EXPECT_EQ(memory_pressure(Group::at(hybrid_, "/m").value()), "some avg10=0.00\n") << "of the twin";
  EXPECT_EQ(memory_pressure(on_v1()), "");
  const PsiTrigger trigger{false, microseconds(1000), microseconds(500'000)};
  EXPECT_TRUE(memory_pressure_trigger(on_v2(), trigger));
  EXPECT_EQ(memory_pressure_trigger(on_v1(), trigger).error().code, EOPNOTSUPP);
}

TEST_F(WordsTest, OutOfMemory) {
  put("/memory/m/memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 3\n");
  put("/memory/m/cgroup.event_control", "");
  EXPECT_TRUE(oom_kill_disabled(on_v1()));
  EXPECT_TRUE(on_v1().under_oom().value());
  EXPECT_TRUE(under_oom_in(root_ + "/memory/m").value());
  EXPECT_TRUE(oom_eventfd_of(root_ + "/memory/m"));
  EXPECT_EQ(get("/memory/m/cgroup.event_control").find("memory."), std::string::npos) << "two numbers";
  EXPECT_TRUE(oom_signal(on_v1()));
  EXPECT_TRUE(is_gone(oom_eventfd_of(root_ + "/memory/gone").error()));
  EXPECT_EQ(leave_oom_to_kernel(v1_), enable_oom_kill());
  EXPECT_EQ(leave_oom_to_kernel(hybrid_), enable_oom_kill());
  EXPECT_EQ(leave_oom_to_kernel(v2_), no_memory_high());
  EXPECT_EQ(path_of(on_v1(), enable_oom_kill()), root_ + "/memory/m/memory.oom_control");
  ASSERT_TRUE(write(on_v1(), enable_oom_kill()));
  EXPECT_EQ(get("/memory/m/memory.oom_control").substr(0, 1), "0");

  put("/v2/m/memory.events", "oom_kill 0\n");
  EXPECT_FALSE(oom_kill_disabled(on_v2()));
  EXPECT_TRUE(oom_signal(on_v2()));
  EXPECT_FALSE(oom_signal(Group::at(v2_, "/gone").value()));
}

TEST_F(WordsTest, Thawing) {
  EXPECT_EQ(path_of(on_v1(), thaw_write(v1_)), root_ + "/freezer/m/freezer.state");
  EXPECT_EQ(thaw_write(v1_).text, "THAWED");
  EXPECT_EQ(path_of(on_v2(), thaw_write(v2_)), root_ + "/v2/m/cgroup.freeze");
  EXPECT_EQ(thaw_write(hybrid_), thaw_write(v2_)) << "the twin, where groups are frozen";
  for (const auto* machine : {&v1_, &v2_}) EXPECT_TRUE(is_freezer(thaw_write(*machine).file));
  EXPECT_FALSE(is_freezer("memory.high"));
}

TEST_F(WordsTest, Cpu) {
  put("/cpu,cpuacct/m/cpu.stat", "nr_periods 10\nnr_throttled 3\nthrottled_time 7\n");
  put("/cpu,cpuacct/m/cpuacct.usage", "5000\n");
  put("/cpu,cpuacct/m/cpu.cfs_quota_us", "50000\n");
  put("/cpu,cpuacct/m/cpu.cfs_period_us", "100000\n");
  put("/cpu,cpuacct/m/cpu.idle", "1\n");
  EXPECT_EQ(cpu_usage(on_v1()), nanoseconds(5000));
  auto counters = cpu_counters(on_v1());
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->usage, nanoseconds(5000));
  EXPECT_EQ(counters->periods, 10U);
  EXPECT_EQ(counters->throttled, 3U);
  EXPECT_EQ(cpu_quota(on_v1()), microseconds(50'000));
  EXPECT_EQ(cpu_bandwidth(on_v1()), (CpuBandwidth{microseconds(50'000), microseconds(100'000)}));
  EXPECT_TRUE(is_cpu_idle(on_v1()));
  put("/cpu,cpuacct/m/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpu_quota(on_v1()), std::nullopt);
  EXPECT_EQ(cpu_bandwidth(on_v1()), std::nullopt);

  put("/v2/m/cpu.stat", "usage_usec 5\nnr_periods 10\nnr_throttled 3\n");
  put("/v2/m/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu_usage(on_v2()), nanoseconds(5000));
  counters = cpu_counters(on_v2());
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->usage, nanoseconds(5000));
  EXPECT_EQ(counters->throttled, 3U);
  EXPECT_EQ(cpu_quota(on_v2()), microseconds(50'000));
  EXPECT_EQ(cpu_bandwidth(on_v2()), (CpuBandwidth{microseconds(50'000), microseconds(100'000)}));
  EXPECT_FALSE(is_cpu_idle(on_v2())) << "a kernel before 5.15";
  EXPECT_TRUE(open_cpu_stat(on_v2()));
  put("/v2/m/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_bandwidth(on_v2()), std::nullopt);
  for (const char* file : {"cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"}) EXPECT_TRUE(is_cpu_bandwidth(file));
  EXPECT_FALSE(is_cpu_bandwidth("cpu.max.burst"));
}

TEST_F(WordsTest, Cpus) {
  put("/cpuset/m/cpuset.cpus", "0-3\n");
  put("/cpuset/m/cpuset.effective_cpus", "0-1\n");
  EXPECT_EQ(assigned_cpus(on_v1()).value(), "0-3\n");
  EXPECT_EQ(cpus_to_assign(on_v1()).value(), "0-3\n");
  EXPECT_EQ(effective_cpus(on_v1()).value(), "0-1\n");
  put("/v2/m/cpuset.cpus", "\n");
  put("/v2/m/cpuset.cpus.effective", "0-1\n");
  EXPECT_EQ(assigned_cpus(on_v2()).value(), "\n");
  EXPECT_EQ(cpus_to_assign(on_v2()).value(), "0-1\n");
  EXPECT_EQ(effective_cpus(on_v2()).value(), "0-1\n");
}

TEST_F(WordsTest, Refusals) {
  put("/pids/m/pids.events", "max 4\n");
  put("/pids/m/pids.max", "12\n");
  EXPECT_EQ(refusals(on_v1(), Refusal::kFork), 4U);
  EXPECT_EQ(refusals(on_v1(), Refusal::kSwapLimit), std::nullopt);
  EXPECT_EQ(pids_limit(on_v1()), 12U);
  put("/v2/m/memory.swap.events", "high 1\nmax 2\nfail 3\n");
  put("/v2/m/pids.max", "max\n");
  EXPECT_EQ(refusals(on_v2(), Refusal::kForkLocal), std::nullopt) << "before kernel 6.11";
  put("/v2/m/pids.events", "max 9\n");
  put("/v2/m/pids.events.local", "max 5\n");
  EXPECT_EQ(refusals(on_v2(), Refusal::kForkLocal), 5U) << "of its own limit, and not of those of groups below";
  EXPECT_EQ(refusals(on_v2(), Refusal::kSwapLimit), 2U);
  EXPECT_EQ(refusals(on_v2(), Refusal::kSwapFull), 3U);
  EXPECT_STREQ(counter_of(Refusal::kFork).file, "pids.events");
  EXPECT_STREQ(counter_of(Refusal::kSwapFull).file, "memory.swap.events");
  EXPECT_EQ(pids_limit(on_v2()), std::nullopt);
}

TEST_F(WordsTest, Changes) {
  EXPECT_EQ(change_of("memory.events"), FileChange::kMemory);
  EXPECT_EQ(change_of("pids.events"), FileChange::kRefusal);
  EXPECT_EQ(change_of("pids.events.local"), FileChange::kRefusal);
  EXPECT_EQ(change_of("memory.swap.events"), FileChange::kRefusal);
  for (const char* file : {"", "cgroup.events", "memory.events.local", "cgroup.procs", "tasks", "cgroup.event_control",
                           "memory.reclaim", "memory.force_empty", "io.pressure"})
    EXPECT_EQ(change_of(file), FileChange::kNone) << file;
  for (const char* file : {"memory.max", "memory.limit_in_bytes", "cpu.cfs_quota_us", "memory.oom_control", "x"})
    EXPECT_EQ(change_of(file), FileChange::kSetting) << file;
  for (const char* file : {"freezer.state", "cgroup.freeze"}) EXPECT_EQ(change_of(file), FileChange::kFreeze) << file;
  EXPECT_EQ(freezer_directories(on_v2()), std::vector<std::string>()) << "its one directory is that of the limits";
  EXPECT_EQ(freezer_directories(on_v1()).size(), 1U);
  EXPECT_EQ(limit_directories(on_v2()), std::vector<std::string>{root_ + "/v2/m"});
  EXPECT_EQ(limit_directories(on_v1()).size(), 6U) << "cpu and cpuacct are one, the freezer holds no limit";
}

TEST_F(WordsTest, EveryLimitHasAName) {
  Limits limits;
  limits.cpu_shares = 1024;
  limits.cpu_bandwidth = CpuBandwidth{microseconds(10'000), microseconds(100'000)};
  limits.cpu_burst = microseconds(0);
  limits.cpu_idle = false;
  limits.cpuset_cpus = "0";
  limits.memory = limits.swap = limits.memory_soft = Limit<Bytes>(Bytes(1 << 20));
  limits.oom_group = false;
  limits.io.edit()["8:0"].read_bps = 1;
  limits.io_weight = 10;
  limits.pids = Limit<std::uint64_t>(5);
  for (const auto* machine : {&v1_, &v2_, &hybrid_}) {
    const auto writes = plan_writes(limits, *machine);
    ASSERT_TRUE(writes);
    for (const auto& each : *writes) EXPECT_NE(setting_of(each.file), Setting::kOther) << each.file;
  }
  EXPECT_EQ(setting_of(no_memory_high().file), Setting::kOom);
  EXPECT_EQ(setting_of(enable_oom_kill().file), Setting::kOom);
  EXPECT_EQ(setting_of("hugetlb.2MB.max"), Setting::kHugePages);
  EXPECT_EQ(setting_of("memory.stat"), Setting::kOther);
}

TEST_F(WordsTest, Io) {
  put("/blkio/m/blkio.bfq.weight", "100\n");
  EXPECT_TRUE(find_io_weight(on_v1()));
  EXPECT_EQ(find_io_latency(on_v1()).error().what, "this machine has IO on cgroup v1, expected cgroup v2");
  EXPECT_FALSE(find_io_cost(on_v1()));
  EXPECT_EQ(find_io_latency(on_v2()).error().what, "this kernel was built without it (" + root_ + "/v2/m/io.latency)");
  EXPECT_EQ(find_io_weight(on_v2()).error().what,
            "this kernel has no IO scheduler with weights here (" + root_ + "/v2/m/io.weight)");
  EXPECT_FALSE(weighted_disk_of(on_v1(), "/dev/null"));
  EXPECT_EQ(scheduler_in("none mq-deadline [bfq] kyber\n"), "bfq");
  EXPECT_EQ(scheduler_in("[none]\n"), "none");
  EXPECT_EQ(scheduler_in("none\n"), "none");
  EXPECT_EQ(scheduler_in("]bfq["), "none");
  put("/v2/m/io.latency", "");
  put("/v2/m/io.cost.qos", "");
  EXPECT_TRUE(find_io_latency(on_v2()));
  EXPECT_TRUE(find_io_cost(on_v2()));
  EXPECT_EQ(path_of(on_v2(), io_cost_qos("8:0 enable=1")), root_ + "/v2/m/io.cost.qos");
}

TEST_F(WordsTest, ProcessFiles) {
  put("/v2/m/cgroup.procs", "");
  ASSERT_TRUE(attach_unified(Group::at(hybrid_, "/m").value(), 12));
  EXPECT_EQ(get("/v2/m/cgroup.procs"), "12");
  EXPECT_EQ(process_mounts(v2_), std::vector<std::string>{root_ + "/v2"});
  EXPECT_EQ(process_mounts(hybrid_).size(), v1_.v1_process_mounts().size() + 1);
  EXPECT_EQ(main_directory(on_v2()), root_ + "/v2/m");
  EXPECT_EQ(main_directory(on_v1()), root_ + "/cpuset/m");
}

}  // namespace
}  // namespace mete::runtime::cgroup
